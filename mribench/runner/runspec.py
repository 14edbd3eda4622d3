"""The settings of a run: the same names on the command line, in a TOML file and in Python."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mribench import device, profiles
from mribench.data import open_sets
from mribench.errors import InputError, unknown_name
from mribench.plugins import lookup
from mribench.progress import say
from mribench.results import RENAMED_TASKS
from mribench.runner import fitting
from mribench.runner import tuned as tunings
from mribench.runner.tuned import Tuned
from mribench.sampling import forward_process, samplers
from mribench.sampling.samplers import SamplerChoice
from mribench.spec import (
    Control,
    FeatureSpace,
    Metric,
    Modality,
    PretrainedModel,
    Profile,
    Solver,
    Task,
    Variant,
)

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


@dataclass(frozen=True)
class Plan:
    """A spec with everything that it names loaded and checked, before any work is done."""

    spec: RunSpec
    profile: Profile
    modalities: tuple[Modality, ...]
    variants: tuple[Variant | PretrainedModel | Control | Solver, ...]  # solvers: baselines without a prior
    samplers: tuple[SamplerChoice, ...]
    tasks: tuple[Task, ...]
    metrics: Mapping[str, Metric]
    spaces: Mapping[str, FeatureSpace]
    out: Path
    # by variant, of those that none of ``samplers`` fits where the run named no samplers
    own_samplers: Mapping[str, SamplerChoice] = field(default_factory=dict)
    # learning rates that were chosen by trials, by ``trained_as``; the others' is the profile's
    tuned: Mapping[str, Tuned] = field(default_factory=dict)
    solvers: tuple[Solver, ...] = ()  # those that need a prior

    @property
    def fields(self) -> tuple[str, ...]:
        """Those of the data that something of the run reads."""
        read = [getattr(one, "fields", ()) for one in (*self.tasks, *self.variants)]
        read += [task.any_fields for task in self.tasks]
        return tuple(dict.fromkeys(name for names in read for name in names))

    def samplers_of(self, variant: Variant) -> list[SamplerChoice]:
        """What draws from a variant, in the order of the plan."""
        fitting = [choice for choice in self.samplers if forward_process.compatible(variant, choice.sampler)]
        return fitting or [self.own_samplers[variant.name]]


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


def resolve(spec: RunSpec) -> Plan:
    """Load everything the spec names. Raises InputError or PluginError in one sentence, before any work."""
    for setting in ("modalities", "variants", "tasks", "features", "seeds"):
        if not getattr(spec, setting) and not (setting == "variants" and spec.controls):
            raise InputError(f"no {setting} asked for; give at least one")
    names = lookup.names("modalities") if "all" in spec.modalities else spec.modalities
    if not names:
        raise InputError(
            "no modality is installed; each comes in a package of its own: install one, or write one, mribench plugin "
            "new modality NAME"
        )
    if spec.data == open_sets.OPEN and "all" in spec.modalities and (absent := open_sets.missing(names)):
        say(
            f"no open set that mribench downloads shows {', '.join(absent)}: left out; see `mribench data list`"
        )
        names = [name for name in names if name not in absent]
    for old, new in RENAMED_TASKS.items():
        if old in spec.tasks and old not in lookup.names("tasks"):
            raise InputError(f"the task {old!r} is called {new!r} since 0.1.0; its numbers are the same")
    _check_tracker(spec.track)
    if spec.nfe:
        if not spec.samplers:
            raise InputError(
                "NFE are asked for and no samplers; name them without steps, --samplers ddim,dpm-solver"
            )
        spec = replace(spec, samplers=tuple(samplers.at_each_nfe(spec.samplers, spec.nfe)), nfe=())
    profile = profiles.get(spec.profile, spec.train_steps, spec.precision, spec.n_generated, spec.size)
    # the precision that is chosen for this machine enters hashes and keys: two precisions are two models
    profile = replace(profile, precision=device.precision(profile))
    asked = spec.samplers or profile.samplers
    tasks, metrics = fitting.tasks_and_metrics(spec.tasks, spec.metrics, spec.features)
    choices = tuple(map(samplers.resolve, asked))
    # one list that is named holds for every variant
    trained = fitting.variants(spec.variants, choices, own_samplers=not spec.samplers)
    fitting.check_conditions(trained.values())
    variants = trained | lookup.load_all("variants", spec.controls)
    own_samplers: dict[str, SamplerChoice] = {}
    if spec.samplers:
        forward_process.check_compatible(variants.values(), choices)
    else:
        own_samplers = forward_process.own_samplers(variants.values(), choices)
    solvers = fitting.solvers(spec.solvers, tasks, controls=bool(spec.controls))
    modalities = lookup.load_all("modalities", names)
    fitting.check_problems(tasks, profile.size, modalities.values())
    fitting.check_priors([s for s in solvers if s.name in spec.solvers], tasks, trained.values())
    needed = [space for part in (*metrics.values(), *tasks) for space in part.features]
    spaces = lookup.load_all("features", needed)
    for space in spaces.values():
        if space.check is not None:
            space.check()
    return Plan(
        spec=replace(
            spec,
            modalities=tuple(names),
            variants=tuple(trained),
            profile=spec.profile or profile.name.partition("@")[0],
            samplers=None if own_samplers else tuple(asked),
            solvers=tuple(solver.name for solver in solvers if not solver.is_control) or spec.solvers,
        ),
        profile=profile,
        modalities=tuple(modalities.values()),
        variants=(*variants.values(), *(solver for solver in solvers if not solver.needs)),
        samplers=choices,
        tasks=tasks,
        metrics=metrics,
        spaces=spaces,
        out=Path(spec.out),
        own_samplers=own_samplers,
        tuned=tunings.read(Path(spec.tuned), profile, variants.values()) if spec.tuned else {},
        solvers=tuple(solver for solver in solvers if solver.needs),
    )


def _check_tracker(name: str | None) -> None:
    """Accelerate drops a tracker whose package is absent without a word."""
    if name is None:
        return
    if name not in TRACKERS:
        raise InputError(f"unknown tracker {name!r}; expected one of {', '.join(TRACKERS)}")
    packages = ("tensorboard", "tensorboardX") if name == "tensorboard" else (name,)
    if not any(map(find_spec, packages)):
        raise InputError(
            f"tracker {name!r} needs the package {packages[0]}, which is not installed; install it"
        )
