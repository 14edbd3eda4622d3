"""What of a run goes together: variants and samplers, tasks and metrics, solvers, priors, problems and data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mribench.errors import InputError
from mribench.progress import say
from mribench.sampling import forward_process
from mribench.sampling.offers import fits, not_applicable, on_data, poses
from mribench.sampling.samplers import SamplerChoice
from mribench.spec import (
    Control,
    GenerativeModel,
    Metric,
    Modality,
    Prepared,
    Problem,
    Solver,
    Task,
    Variant,
)

CONDITIONS = ("modality", "lesion")  # what a variant's network can be told


def variants(
    installed: Mapping[str, Variant | GenerativeModel | Control],
    choices: Sequence[SamplerChoice],
    own_samplers: bool,
) -> dict[str, Variant | GenerativeModel]:
    """Those that ``all`` stands for, by name; a line says which no sampler asked for draws from.

    Args:
        installed: Variants by name; controls are no part of ``all``.
        choices: The samplers asked for, or the profile's.
        own_samplers: Whether a variant from which none of them draws may have another.
    """
    found: dict[str, Variant | GenerativeModel] = {}
    unserved = []
    for name, variant in installed.items():
        if isinstance(variant, Control):
            continue
        if _fits(variant, choices, own_samplers):
            found[name] = variant
        else:
            unserved.append(variant)
    if unserved:
        asked = ", ".join(choice.name for choice in choices)
        say(
            f"left out of all variants: {', '.join(variant.name for variant in unserved)}, from which {asked} cannot "
            f"draw; {_advice(unserved)}"
        )
    return found


def solvers(
    named: Mapping[str, Solver], installed: Mapping[str, Solver], tasks: Sequence[Task]
) -> list[Solver]:
    """The solvers of a run: those that are named, and of the installed ones those that fit.

    Args:
        named: Solvers by name, and the controls that problems name for their boards.
        installed: What ``all`` may stand for.
        tasks: Of the run.

    Raises:
        InputError: a solver that is named is for none of the tasks, or none fits a problem.
    """
    posing = [task for task in tasks if task.problem]
    for solver in named.values():
        if not any(fits(solver, task) for task in posing):
            asked = ", ".join(task.name for task in tasks)
            raise InputError(
                f"solver {solver.name!r} answers none of the tasks asked for ({asked}); expected one that poses "
                f"{' or '.join(solver.kinds) or 'an inverse problem'}: add it to --tasks, or leave the solver out"
            )
    found = list(named.values())
    found += [s for s in installed.values() if not s.is_control and any(fits(s, task) for task in posing)]
    for task in posing:
        if not any(fits(solver, task) and not solver.is_control for solver in found):
            raise InputError(
                f"no solver answers the task {task.name!r}; install a package that brings one, or name one that fits"
            )
    return found


def check_problems(tasks: Sequence[Task], size: int, modalities: Collection[Modality]) -> None:
    """Measure an image at every level of every problem, so that a level that does not fit is refused at once.

    Raises InputError, also where a problem of MRI is asked of no organ that is MRI.
    """
    posing = [task for task in tasks if task.problem]
    if not posing:
        return
    import torch

    x = torch.full((1, 1, size, size), 0.5)
    for task in posing:
        if not any(poses(task, modality) for modality in modalities):
            asked = ", ".join(modality.name for modality in modalities)
            raise InputError(
                f"the task {task.name!r} measures MRI, and {asked} is microscopy, expected an organ that is MRI; name "
                "one, or leave the task out"
            )
        # what is measured of fields is known with the data
        if not task.problem.of_data and not task.problem.images:
            _measure(task, task.problem, x)


def _measure(task: Task, problem: Problem, x: Any) -> None:
    """Measure an image, float32 (1, 1, H, W), at every level."""
    from mribench.sampling.reverse import ImageDraws
    from mribench.seeds import torch_generator

    for level in problem.levels:
        problem.measure(x, level, ImageDraws([torch_generator("check", task.name)], x.device))


def check_phantoms(tasks: Sequence[Task], modalities: Collection[Modality]) -> None:
    """Raises InputError where a problem is measured on fields of the data, such as k-space, that no phantom has."""
    known = {modality.name: {field.name for field in modality.fields} for modality in modalities}
    _check_posed(tasks, {f"the phantom of {name}": names for name, names in known.items()})


def check_measured(tasks: Sequence[Task], data: Collection[Prepared]) -> None:
    """Measure an image of each set at every level of problems that measure its fields.

    Raises InputError where no set has these, or a level does not fit.
    """
    _check_posed(tasks, {one.modality or one.name: set(one.fields) for one in data})
    for task in tasks:
        problem = task.problem
        for one in data:
            if problem and problem.of_data and not set(problem.fields) - set(one.fields):
                import torch

                x = torch.from_numpy(one.test.images[:1].astype("float32") / 255).unsqueeze(1)
                _measure(task, on_data(problem, one), x)


def _check_posed(tasks: Sequence[Task], known: Mapping[str, Collection[str]]) -> None:
    """known: The fields of each set."""
    for task in tasks:
        if task.problem and task.problem.of_data and known:
            lacking = [set(task.problem.fields) - set(names) for names in known.values()]
            if all(lacking):
                raise InputError(
                    f"the task {task.name!r} measures the field {task.problem.fields[0]} of the data, and "
                    f"{' and '.join(dict.fromkeys(known))} has none; give --data with raw data, such as fastMRI's "
                    "files, or leave the task out"
                )


def check_priors(
    named: Sequence[Solver], tasks: Sequence[Task], variants: Collection[Variant | GenerativeModel]
) -> None:
    """Raises InputError where a solver that is named needs a prior, and no variant of the run is one."""
    posing = [task for task in tasks if task.problem]
    needing = [solver.name for solver in named if solver.needs]
    if needing and posing and not any(not not_applicable(posing[0], variant) for variant in variants):
        asked = ", ".join(variant.name for variant in variants) or "none"
        raise InputError(
            f"solver {needing[0]!r} needs a prior, and no variant of the run is one (asked for: {asked}); add one with "
            "a denoiser D(x; sigma), such as --variants ddpm, or name baselines alone"
        )


def _fits(variant: Variant | GenerativeModel, choices: Sequence[SamplerChoice], own_samplers: bool) -> bool:
    if isinstance(variant, GenerativeModel) or (own_samplers and forward_process.samplers_of(variant)):
        return True
    return any(forward_process.compatible(variant, choice.sampler) for choice in choices)


def _advice(unserved: Sequence[Variant]) -> str:
    """One sampler that draws from all of them, where there is one."""
    served = [{sampler.name for sampler in forward_process.samplers_of(variant)} for variant in unserved]
    common = sorted(set.intersection(*served))
    return f"samplers that can: {', '.join(common)}" if common else "no one sampler draws from all of them"


def with_metrics(
    tasks: Sequence[Task], own: Mapping[str, Metric], further: Mapping[str, Metric], features: tuple[str, ...]
) -> tuple[tuple[Task, ...], dict[str, Metric]]:
    """The tasks, each with the further metrics of the kind that it reports, and every metric by name.

    Args:
        tasks: Of the run.
        own: The metrics of these tasks, by name.
        further: Those that the run names beside them.
        features: Spaces of the distribution metrics that name none.

    Raises:
        InputError: no task reports such metrics as a further one.
    """
    kinds = {task.name: {own[name].kind for name in task.metrics} for task in tasks}
    for metric in further.values():
        if not any(metric.kind in reported for reported in kinds.values()):
            raise InputError(
                f"metric {metric.name!r} is {metric.kind}, and no task asked for reports such metrics; add one that "
                "does to --tasks (denoising is paired, generation compares distributions)"
            )
    widened = []
    for task in tasks:
        reported = [name for name, metric in further.items() if metric.kind in kinds[task.name]]
        widened.append(replace(task, metrics=tuple(dict.fromkeys((*task.metrics, *reported)))))
    return tuple(widened), {name: metric.in_spaces(features) for name, metric in {**own, **further}.items()}


def check_conditions(variants: Iterable[Any]) -> None:
    """A condition of a later mribench would be trained without."""
    for variant in variants:
        for condition in getattr(variant, "conditions", ()):
            if condition not in CONDITIONS:
                raise InputError(
                    f"variant {variant.name!r} has the condition {condition!r}, expected {' or '.join(CONDITIONS)}; "
                    "use the mribench that it was written for"
                )
