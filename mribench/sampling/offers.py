"""What a variant offers, and for which tasks it is no candidate: decided from declarations, before any training."""

from __future__ import annotations

from dataclasses import replace

from mribench.spec import (
    Control,
    GenerativeModel,
    Modality,
    Prepared,
    PretrainedModel,
    Problem,
    RestoredImages,
    Solver,
    Task,
    Variant,
)

# what a task may need, and how a sentence says that a variant lacks it
NEEDS = {
    "samples": "it generates no images",
    "denoising": "it does not denoise images that are noised in pixels",
    "denoiser": "it has no denoiser D(x; sigma) on pixels",
    "process": "it has no denoiser D(x; sigma) on pixels, of white noise or of its own",
    "likelihood": "it gives no likelihood of an image",
}


def offers(variant: Variant | GenerativeModel | PretrainedModel | Control) -> frozenset[str]:
    """The words of ``Task.needs`` that a variant meets."""
    if isinstance(variant, PretrainedModel):
        return frozenset({"samples"})
    if isinstance(variant, Control):
        return frozenset({"samples", "denoising"})
    found = {"samples"}
    if isinstance(variant, GenerativeModel):
        found |= {"denoising"} if variant.denoise else set()
        found |= {"likelihood"} if variant.log_likelihood else set()
    elif variant.denoises_pixels:
        # the probability-flow ODE of a denoiser has a likelihood (``mribench.sampling.likelihood``)
        found |= {"denoising"} | ({"likelihood"} if variant.has_denoiser else set())
        found |= {"denoiser"} if variant.has_denoiser and variant.encode is None else set()
    if isinstance(variant, Variant) and variant.has_denoiser and variant.runs_on_pixels:
        found |= {"process"}
    return frozenset(found)


def fits(solver: Solver, task: Task) -> bool:
    """Whether a solver is for the problem that a task poses."""
    problem = task.problem
    if problem is None:
        return False
    return problem.kind in solver.kinds or (problem.restores and not solver.kinds)


def poses(task: Task, modality: Modality) -> bool:
    """Whether a task is asked of an organ: a problem of MRI is not asked of microscopy."""
    return not (task.problem and task.problem.mri_only and not modality.is_mri)


def on_data(problem: Problem, data: Prepared) -> Problem:
    """The problem as it is posed of the images of a set: k-space of a scanner is that of the set."""
    return replace(problem, measure=problem.of_data(data)) if problem.of_data else problem


def wanted(task: Task, variant: object) -> tuple[str, ...]:
    """The fields of the data that a task and a variant read; of ``Task.any_fields`` the data may lack some."""
    return tuple(dict.fromkeys((*needed(task, variant), *task.any_fields)))


def needed(task: Task, variant: object) -> tuple[str, ...]:
    """The fields of the data without which a task or a variant has no answer."""
    return tuple(dict.fromkeys((*task.fields, *getattr(variant, "fields", ()))))


def not_applicable(
    task: Task,
    variant: Variant | GenerativeModel | PretrainedModel | RestoredImages | Control | Solver,
    data: Prepared | None = None,
) -> str | None:
    """Why a task cannot be asked of a variant, in one clause; None where it can.

    With ``data``, which hold the fields that were asked for and that they have, also why these do not suit.

    Raises KeyError where the task needs what this version does not know.
    """
    lacking = [] if data is None else [name for name in needed(task, variant) if name not in data.fields]
    if lacking:
        return f"the data have no field {', '.join(lacking)}"
    if data is not None and task.any_fields and not {*task.any_fields} & {*data.fields}:
        return f"the data have none of the fields {', '.join(task.any_fields)}"
    if isinstance(variant, RestoredImages):
        return None if task.name == variant.task else "its images answer another task"
    if isinstance(variant, Solver):
        return None if fits(variant, task) else "it is a solver for other problems"
    missing = [need for need in task.needs if need not in offers(variant)]
    if not missing:
        return None
    return f"{NEEDS[missing[0]]}{_because(variant)}"


def _because(variant: Variant | GenerativeModel | PretrainedModel | Control) -> str:
    if isinstance(variant, Control):
        return ", being a control"
    if not isinstance(variant, Variant) or variant.denoises_pixels:
        return ""
    return (
        ", as its noise is not white"
        if variant.noise
        else ", as its process runs on codes that do not keep lengths"
    )
