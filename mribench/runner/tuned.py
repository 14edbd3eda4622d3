"""Learning rates that ``mribench tune --variants`` has chosen, and how the trainings of a run take them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from mribench import hashing
from mribench.errors import InputError
from mribench.progress import say
from mribench.results import Result, schema
from mribench.runner.model_code import Model, model_hash, trained_as
from mribench.spec import GenerativeModel, Profile, Stage, Variant

# distances (x 1e3) below are noise, and may be negative: they count as equal
LEAST_KD = 1.0
T = TypeVar("T", bound=Model)


@dataclass(frozen=True)
class Tuned:
    """How the learning rate of a model was chosen."""

    factor: float  # times every learning rate of the model
    lr: float  # the profile's times the factor
    trials: int
    share: float  # of the training budget that each trial had
    modalities: tuple[str, ...]  # whose validation subjects chose
    sha256: str  # of the file that says so

    def as_record(self) -> dict[str, Any]:
        """Provenance."""
        return asdict(self) | {"modalities": list(self.modalities)}


def is_recorded(tuned: Tuned | None, result: Result) -> bool:
    """Whether a record says that its learning rate was chosen so; the file may since hold further models.

    Outputs do not tell: where the profile's learning rate is the best they are the same with and without trials.
    """
    recorded = result.provenance.get("tuned")
    if tuned is None or recorded is None:
        return tuned is recorded
    return {**recorded, "sha256": tuned.sha256} == tuned.as_record()


def with_learning_rate(model: T, profile: Profile, factor: float) -> tuple[T, Profile]:
    """The model and the profile with every learning rate multiplied, those that the model sets itself too."""
    if factor == 1:
        return model, profile
    scaled: Any = model
    if isinstance(model, GenerativeModel):
        scaled = replace(model, stages=tuple(_scaled(stage, factor) for stage in model.stages))
    elif isinstance(model, Variant) and model.autoencoder:
        stage = _scaled(model.autoencoder.stage, factor)
        scaled = replace(model, autoencoder=replace(model.autoencoder, stage=stage))
    return scaled, replace(profile, lr=profile.lr * factor)


def _scaled(stage: Stage, factor: float) -> Stage:
    updates = (replace(u, lr=None if u.lr is None else u.lr * factor) for u in stage.updates)
    return replace(stage, updates=tuple(updates))


def mean_distances(
    runs: Iterable[Mapping[str, Any]], modalities: Iterable[str], factors: Iterable[float]
) -> dict[float, float | None]:
    """KD (x 1e3) by factor: the geometric mean over modalities; None where a trial of that factor gave no images.

    A factor of which trials are still to be made is left out.
    """
    found = {(run["modality"], run["factor"]): run["kd"] for run in runs}
    means: dict[float, float | None] = {}
    for factor in factors:
        cells = [(modality, factor) for modality in modalities]
        if all(cell in found for cell in cells):
            kds = [found[cell] for cell in cells]
            logs = [math.log(max(LEAST_KD, kd)) for kd in kds if kd is not None]
            means[factor] = math.exp(sum(logs) / len(logs)) if len(logs) == len(kds) else None
    return means


def best_factor(distances: Mapping[float, float | None]) -> float | None:
    """The factor of the smallest distance, of equal ones that nearest to 1; None where no trial gave images."""
    given = [(kd, abs(math.log(factor)), factor) for factor, kd in distances.items() if kd is not None]
    return min(given)[2] if given else None


def read(path: Path, profile: Profile, models: Iterable[Model]) -> dict[str, Tuned]:
    """The learning rates for the models of a run, by the name that their training goes by.

    A line says which of them are trained with the profile's learning rate, and why.

    Args:
        path: ``methods.json`` as ``mribench tune --variants`` writes it.
        profile: Of the run.
        models: Of the run; controls and pretrained models are left out.

    Raises:
        InputError: the file cannot be read, or is of another profile.
    """
    record = schema.read(
        path, schema.Tuning, "give the methods.json that mribench tune --variants has written"
    )
    wanted, found = (
        (profile.name.partition("@")[0], profile.lr),
        tuple(map(record["profile"].get, ("name", "lr"))),
    )
    if found != wanted:
        raise InputError(
            f"{path} is of the profile {found[0]} with learning rate {found[1]:g}, the run of {wanted[0]} with "
            f"{wanted[1]:g}; tune for that one: mribench tune --variants NAMES --profile {wanted[0]}"
        )
    modalities, trials = tuple(sorted(record["data"])), len(record["factors"])
    factors: dict[str, float] = {}
    untuned: dict[str, str] = {}
    for model in models:
        name = trained_as(model)
        if not isinstance(model, Variant | GenerativeModel) or name in factors:
            continue
        factor, reason = _factor(record["families"].get(name), model, modalities, record["factors"])
        if factor is None:
            untuned[name] = reason
        else:
            factors[name] = factor
    if untuned:
        told = ", ".join(f"{name} ({reason})" for name, reason in untuned.items())
        say(f"trained with the profile's learning rate: {told}")
    sha256 = hashing.file_sha256(path)
    return {
        name: Tuned(factor, profile.lr * factor, trials, record["share"], modalities, sha256)
        for name, factor in factors.items()
    }


def _factor(
    family: Mapping[str, Any] | None, model: Model, modalities: Sequence[str], factors: Sequence[float]
) -> tuple[float | None, str]:
    """The best factor, or None and the reason."""
    if family is None:
        return None, "not tuned"
    if family["code"] != model_hash(model):
        return None, "its code has changed since it was tuned"
    distances = mean_distances(family["runs"], modalities, factors)
    if len(distances) < len(factors):
        return None, f"{len(distances)} of {len(factors)} trials are made"
    return best_factor(distances), "no trial gave images"
