"""The plugins that a record was made with, and stand-ins for missing ones where outputs are only scored again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NoReturn, TypeVar

from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.results import Result
from mribench.sampling import samplers
from mribench.sampling.samplers import SamplerChoice
from mribench.spec import Control, Expected, Modality, Sampler, Solver, Variant

T = TypeVar("T")


@dataclass(frozen=True)
class Parts:
    """What a cell is made of."""

    modality: Modality
    variant: Variant | Control | Solver
    sampler: SamplerChoice | None
    solver: Solver | None = None  # in the sampler's place
    # dotted names of the fields of the record that a missing plugin would have told
    unknown: tuple[str, ...] = ()


def load(result: Result, stand_ins: bool = False) -> Parts:
    """The modality, variant and sampler that a record names.

    Args:
        result: the record.
        stand_ins: take a missing plugin's name and version from the record. Such a part can be asked for nothing else.
            Of real data the organ's is not needed.

    Raises:
        InputError: a plugin is missing or broken; it names the package that the record was made with.
    """
    unknown: list[str] = []

    def loaded(
        real: Callable[[], T],
        stand_in: Callable[[Callable[..., NoReturn]], T],
        *told: str,
        needed: bool = not stand_ins,
    ) -> T:
        try:
            return real()
        except InputError as error:
            refusal = _with_package(error, result)
            if needed:
                raise refusal from error
            unknown.extend(told)

            def refuse(*_: Any, **__: Any) -> NoReturn:
                raise refusal

            return stand_in(refuse)

    modality = loaded(
        lambda: lookup.load("modalities", result.modality),
        lambda refuse: _modality(result, refuse),
        "data.title",
        "data.contrast",
        "data.is_mri",
        "reported",
        # of images that exist no phantom is drawn
        needed=not stand_ins and result.comparability.get("data_kind") != "real",
    )
    variant = loaded(
        lambda: _generator(result.variant),
        lambda refuse: _variant(result, refuse),
        "versions.variant",
        "is_control",
        "expected",
        "not_applicable",
        "answers_by",
    )
    sampler = solver = None
    name = result.sampler
    if name and "solver" in result.provenance.get("plugins", {}):
        solver = loaded(
            lambda: lookup.load("solvers", name),
            lambda refuse: _solver(result, name, refuse),
            "versions.sampler",
        )
    elif name:
        sampler = loaded(
            lambda: samplers.resolve(name), lambda refuse: _sampler(result, name, refuse), "versions.sampler"
        )
    return Parts(modality, variant, sampler, solver, tuple(unknown))


def with_package(load: Callable[[], T], result: Result) -> T:
    """What ``load`` gives; of a plugin that is missing or broken here, the record knows the package."""
    try:
        return load()
    except InputError as error:
        raise _with_package(error, result) from error


def _with_package(error: InputError, result: Result) -> InputError:
    packages = ", ".join(sorted(set(result.provenance.get("plugins", {}).values())))
    return InputError(f"{error}; the record was made with {packages}" if packages else str(error))


def _generator(name: str) -> Any:
    """A variant, control or pretrained model, or a baseline where none of these has the name."""
    if name in lookup.names("solvers") and name not in (*lookup.names("variants"), *lookup.names("models")):
        return lookup.load("solvers", name)
    return lookup.load_generators([name])[name]


def _modality(result: Result, refuse: Callable[..., NoReturn]) -> Modality:
    told = result.data
    return Modality(
        result.modality,
        str(told.get("title")),
        str(told.get("contrast")),
        phantom=refuse,
        is_mri=bool(told.get("is_mri", True)),
    )


def _variant(result: Result, refuse: Callable[..., NoReturn]) -> Variant | Control:
    version = result.versions.get("variant", 1)
    about = result.variant, result.variant, ""
    if not result.is_control:
        return Variant(*about, network=refuse, scheduler=refuse, loss=refuse, version=version)
    names = {field.name for field in fields(Expected)}
    expected = (
        Expected(**{k: v for k, v in result.expected.items() if k in names}) if result.expected else None
    )
    return Control(*about, fit=refuse, generate=refuse, denoise=refuse, version=version, expected=expected)


def _sampler(result: Result, name: str, refuse: Callable[..., NoReturn]) -> SamplerChoice:
    base, _, steps = name.rpartition("-")
    number = int(steps) if base and steps.isdecimal() else 1
    version = result.versions.get("sampler", 1)
    return SamplerChoice(
        Sampler(
            base or name, name, "", scheduler=refuse, timesteps=refuse, default_steps=number, version=version
        ),
        number,
    )


def _solver(result: Result, name: str, refuse: Callable[..., NoReturn]) -> Solver:
    version = result.versions.get("sampler", 1)
    return Solver(name, name, "", solve=refuse, trains=result.answers_by == "training", version=version)
