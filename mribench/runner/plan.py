"""What a run is to do: its settings, with everything that they name loaded and checked before any work is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mribench import device, profiles
from mribench.data import open_sets
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.progress import say
from mribench.results import RENAMED_TASKS
from mribench.runner import tuned as tunings
from mribench.runner.runspec import ALL, TRACKERS, RunSpec
from mribench.runner.tuned import Tuned
from mribench.sampling import fitting, forward_process, samplers
from mribench.sampling.offers import fits
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

    @property
    def of_models(self) -> list[Task]:
        """The tasks that models are asked: not those whose solvers all do without a prior."""
        return [task for task in self.tasks if not task.problem or any(fits(s, task) for s in self.solvers)]

    def samplers_of(self, variant: Variant) -> list[SamplerChoice]:
        """What draws from a variant, in the order of the plan."""
        fitting = [choice for choice in self.samplers if forward_process.compatible(variant, choice.sampler)]
        return fitting or [self.own_samplers[variant.name]]


@dataclass(frozen=True)
class _Named:
    """The plugins that a spec names, loaded, by name; where it says ``all``, also every other installed one."""

    modalities: dict[str, Modality]
    tasks: dict[str, Task]
    metrics: dict[str, Metric]  # of the tasks
    further_metrics: dict[str, Metric]
    variants: dict[str, Any]  # variants, generative and pretrained models
    other_variants: dict[str, Any]
    controls: dict[str, Control]
    solvers: dict[str, Solver]  # and those that a problem names for each of its boards
    other_solvers: dict[str, Solver]


def resolve(spec: RunSpec) -> Plan:
    """Load everything the spec names, and check that it goes together.

    Raises InputError or PluginError in one sentence, before any work.
    """
    spec = _checked(spec)
    named = _load(spec)
    profile = profiles.get(spec.profile, spec.train_steps, spec.precision, spec.n_generated, spec.size)
    # the precision that is chosen for this machine enters hashes and keys: two precisions are two models
    profile = replace(profile, precision=device.precision(profile))
    asked = spec.samplers or profile.samplers
    choices = tuple(map(samplers.resolve, asked))
    tasks, metrics = fitting.with_metrics(
        tuple(named.tasks.values()), named.metrics, named.further_metrics, spec.features
    )
    # one list of samplers that is named holds for every variant
    trained = named.variants | fitting.variants(named.other_variants, choices, own_samplers=not spec.samplers)
    fitting.check_conditions(trained.values())
    variants = trained | named.controls
    own_samplers: dict[str, SamplerChoice] = {}
    if spec.samplers:
        forward_process.check_compatible(variants.values(), choices)
    else:
        own_samplers = forward_process.own_samplers(variants.values(), choices)
    solvers = fitting.solvers(named.solvers, named.other_solvers, tasks)
    fitting.check_priors([s for s in solvers if s.name in spec.solvers], tasks, trained.values())
    if spec.data == "phantom":
        fitting.check_phantoms(tasks, named.modalities.values())
    fitting.check_problems(tasks, profile.size, named.modalities.values())
    return Plan(
        spec=replace(
            spec,
            variants=tuple(trained),
            profile=spec.profile or profile.name.partition("@")[0],
            samplers=None if own_samplers else tuple(asked),
            solvers=tuple(solver.name for solver in solvers if not solver.is_control) or spec.solvers,
        ),
        profile=profile,
        modalities=tuple(named.modalities.values()),
        variants=(*variants.values(), *(solver for solver in solvers if not solver.needs)),
        samplers=choices,
        tasks=tasks,
        metrics=metrics,
        spaces=spaces(tasks, metrics),
        out=Path(spec.out),
        own_samplers=own_samplers,
        tuned=tunings.read(Path(spec.tuned), profile, variants.values()) if spec.tuned else {},
        solvers=tuple(solver for solver in solvers if solver.needs),
    )


def _checked(spec: RunSpec) -> RunSpec:
    """The spec with its organs and its samplers one by one."""
    for setting in ("modalities", "variants", "tasks", "features", "seeds"):
        if not getattr(spec, setting) and not (setting == "variants" and spec.controls):
            raise InputError(f"no {setting} asked for; give at least one")
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
    return replace(spec, modalities=_organs(spec))


def _organs(spec: RunSpec) -> tuple[str, ...]:
    if ALL not in spec.modalities:
        return tuple(spec.modalities)
    names = lookup.names("modalities")
    if not names:
        raise InputError(
            "no modality is installed; each comes in a package of its own: install one, or write one, mribench plugin "
            "new modality NAME"
        )
    if spec.data == open_sets.OPEN and (absent := open_sets.missing(names)):
        say(
            f"no open set that mribench downloads shows {', '.join(absent)}: left out; see `mribench data list`"
        )
        names = [name for name in names if name not in absent]
    return tuple(names)


def _load(spec: RunSpec) -> _Named:
    tasks = lookup.load_all("tasks", spec.tasks)
    variants = lookup.load_generators(name for name in spec.variants if name != ALL)
    posing = [task for task in tasks.values() if task.problem]
    beside = [name for task in posing for name in task.problem.controls] if spec.controls else []
    solvers = lookup.load_all("solvers", [*(name for name in spec.solvers if name != ALL), *beside])
    return _Named(
        modalities=lookup.load_all("modalities", spec.modalities),
        tasks=tasks,
        metrics=lookup.load_all("metrics", [name for task in tasks.values() for name in task.metrics]),
        further_metrics=lookup.load_all("metrics", spec.metrics),
        variants=variants,
        other_variants=lookup.load_others("variants", variants) if ALL in spec.variants else {},
        controls=lookup.load_all("variants", spec.controls),
        solvers=solvers,
        other_solvers=lookup.load_others("solvers", solvers) if ALL in spec.solvers and posing else {},
    )


def spaces(tasks: Iterable[Task], metrics: Mapping[str, Metric]) -> dict[str, FeatureSpace]:
    """The feature spaces that metrics and tasks name. Raises InputError where the weights of one are no good."""
    found = lookup.load_all(
        "features", [name for part in (*metrics.values(), *tasks) for name in part.features]
    )
    for space in found.values():
        if space.check is not None:
            space.check()
    return found


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
