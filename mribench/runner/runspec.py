"""The settings of a run: the same names on the command line, in a TOML file and in Python."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from mribench.errors import InputError, unknown_name

ALL = "all"  # of a list: every installed one
CONTROLS = ("noise", "gaussian", "gaussian-matched", "train-replay", "warped-replay", "mode-collapse", "blur")
TASKS = ("generation", "denoising", "audit")
# three that differ in kind and need no weights
FEATURES = ("hc85-v1", "gist208-v1", "shape156-v1")
# Accelerate's; each is the name of a package
TRACKERS = ("aim", "clearml", "comet_ml", "dvclive", "mlflow", "swanlab", "tensorboard", "trackio", "wandb")


@dataclass(frozen=True)
class RunSpec:
    """What a run is asked to do."""

    modalities: tuple[str, ...] = ("all",)
    variants: tuple[str, ...] = ("ddpm",)  # "all": every installed one that a sampler asked for draws from
    controls: tuple[str, ...] = CONTROLS  # variants without training, which give every board its scale
    samplers: tuple[str, ...] | None = None  # None: the profile's, and a variant's own where these do not fit
    tasks: tuple[str, ...] = TASKS
    solvers: tuple[str, ...] = ("all",)  # for tasks that pose a problem; "all": every installed one that fits
    metrics: tuple[str, ...] = ()  # further ones, beside those of the tasks
    features: tuple[str, ...] = FEATURES  # spaces of the distribution metrics that name none themselves
    seeds: tuple[int, ...] = (0,)
    profile: str | None = None  # or a TOML file; None: ``standard`` with a GPU, ``quick`` without
    train_steps: int | None = None  # replaces the profile's
    precision: str | None = None  # replaces the profile's
    data: str = "phantom"  # or a registry id, or a path
    data_name: str | None = None  # what boards call the data of a path; None: local-<8 hex of its content>
    skip_broken: bool = False  # leave out files of a path that cannot be read
    include: tuple[str, ...] = ()  # patterns of the files of a path that are read; none: all
    exclude: tuple[str, ...] = ()  # patterns of those that are not read
    out: str = "runs"
    track: str | None = None  # one of ``TRACKERS``
    nfe: tuple[
        int, ...
    ] = ()  # network evaluations: each of the samplers, named without steps, at each of them
    n_generated: int | None = None  # replaces the profile's; nothing is trained again for it
    size: int | None = None  # pixels a side, replaces the profile's
    tuned: str | None = None  # ``methods.json`` of ``mribench tune --variants``: learning rates by variant


def make(base: RunSpec | None = None, **settings: Any) -> RunSpec:
    """A RunSpec from settings by name; None leaves the default.

    A list may be given as the command line takes it: "brain,heart", "0,1", or a single value.

    Raises InputError for an unknown name or a value of the wrong type.
    """
    known = {field.name: str(field.type) for field in fields(RunSpec)}
    changes = {}
    for name, value in settings.items():
        if name not in known:
            raise InputError(unknown_name("setting", name, known))
        if value is not None:
            changes[name] = _typed(name, value, known[name])
    return replace(base or RunSpec(), **changes)


def among(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a function's arguments that are settings of a run, for ``make``."""
    return {field.name: arguments[field.name] for field in fields(RunSpec)}


def _typed(name: str, value: Any, annotation: str) -> Any:
    if annotation == "bool" and isinstance(value, bool):
        return value
    element, several = int if "int" in annotation else str, annotation.startswith("tuple")
    if isinstance(value, Path):
        value = str(value)
    if several and isinstance(value, str):
        value = split(name, value, element)
    values = list(value) if several and isinstance(value, list | tuple | range) else [value]
    if annotation != "bool" and all(isinstance(v, element) and not isinstance(v, bool) for v in values):
        return tuple(dict.fromkeys(values)) if several else value
    kind = "true or false" if annotation == "bool" else {int: "a whole number", str: "a string"}[element]
    expected = kind + (" or a list of them" if several else "")
    raise InputError(f"setting {name!r} is {value!r}; expected {expected}")


def split(name: str, text: str, element: type = str) -> list[Any]:
    """'a, b' -> ['a', 'b'], '0,1' -> [0, 1], '' -> []. Raises InputError, with the setting's name."""
    parts = [part for part in (p.strip() for p in text.split(",")) if part]
    if element is str:
        return parts
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"{name} are {text!r}; expected whole numbers such as 0,1,2")
    return [int(part) for part in parts]


def from_toml(path: Path, base: RunSpec | None = None) -> RunSpec:
    """The settings in a TOML file, in place of those of ``base``. Raises InputError where it cannot be read."""
    try:
        return from_text(path.read_text(encoding="utf-8"), str(path), base)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give a TOML file") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from error


def from_text(text: str, name: str, base: RunSpec | None = None) -> RunSpec:
    """The settings in the text of a TOML file; ``name`` is what messages call it."""
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name} is not TOML: {error}") from error
    try:
        return make(base, **settings)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def to_toml(spec: RunSpec) -> str:
    """The spec as TOML that ``from_toml`` reads back equal."""
    import json

    settings = {name: value for name, value in asdict(spec).items() if value is not None}
    # JSON strings, numbers and arrays are TOML too
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in settings.items())
