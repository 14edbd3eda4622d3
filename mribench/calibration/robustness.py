"""Measurements that no solver was tuned for: another level, more noise, another problem, another contrast.

Settings are chosen, and networks trained on pairs, on the first level of a problem; then the same solver answers
changed questions. It is told the operator and the noise, as a scanner tells them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mribench.audit.losses import equal_by_subject
from mribench.calibration.shift import Entry, beside, entries, page, plan_of, trained_cells
from mribench.errors import InputError
from mribench.metrics.paired import psnr
from mribench.plugins import lookup
from mribench.progress import progress
from mribench.runner.plan import Plan
from mribench.sampling.offers import poses
from mribench.spec import Answers, Draws, Measurement, Prepared, Problem, Solver, Task
from mribench.tasks import to_uint8
from mribench.tasks.inverse import best_setting

if TYPE_CHECKING:
    import torch

EXAMPLES = (
    "a level such as 8, noise:2, a problem of the same kind such as mri-equispaced, or a field such as t2w"
)


class Condition(NamedTuple):
    """How a question differs from the one that solvers are tuned for."""

    name: str
    problem: Problem
    field: str = ""  # of the data, whose images are measured in the place of the set's own


def conditions(task: Task, changes: Sequence[str]) -> list[Condition]:
    """The question that is tuned for, then the changed ones. Raises InputError for a change that is none.

    Args:
        task: It poses a problem.
        changes: Each a level of the problem, ``noise:FACTOR``, the name of a task that poses a problem of the same
            kind, or the name of a field that an organ draws.
    """
    first = f"{task.level_name} = {task.problem.levels[0]:g}"
    return [Condition(first, task.problem), *(_condition(task, change) for change in changes)]


def _condition(task: Task, change: str) -> Condition:
    problem, (word, _, factor) = task.problem, change.partition(":")
    if (level := _number(change)) is not None:
        return Condition(f"{task.level_name} = {level:g}", replace(problem, measure=_at(problem, level)))
    if word == "noise" and (times := _number(factor)) is not None and times >= 1:
        return Condition(f"noise × {times:g}", replace(problem, measure=_noisier(problem, times)))
    if change in lookup.names("tasks"):
        other = lookup.load("tasks", change).problem
        if other is not None and other.kind == problem.kind and not other.of_data:
            return Condition(change, replace(problem, measure=_at(other, other.levels[0])))
    elif any(change == field.name for m in lookup.names("modalities") for field in _fields_of(m)):
        return Condition(change, problem, change)
    raise InputError(f"{change!r} is no change of the task {task.name}, expected {EXAMPLES}; name one")


def _fields_of(modality: str) -> list:
    return [field for field in lookup.load("modalities", modality).fields if field.kind == "image"]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _at(problem: Problem, level: float) -> Callable[..., Measurement]:
    """Measures at one level, whatever is asked for."""
    return lambda x, _, draws: problem.measure(x, level, draws)


def _noisier(problem: Problem, times: float) -> Callable[..., Measurement]:
    """White noise is added until its standard deviation is so many times what it was."""

    def measure(x: torch.Tensor, level: float, draws: Draws) -> Measurement:
        import torch

        m = problem.measure(x, level, draws)
        shape = m.y.shape[1:]
        noise = draws.normal(*shape)
        if m.y.is_complex():
            noise = torch.complex(noise, draws.normal(*shape))
        # what a mask hides reads exactly 0
        more = (times**2 - 1) ** 0.5 * m.sigma * noise * (m.y != 0)
        return replace(m, y=m.y + more, sigma=times * m.sigma)

    return measure


def answered(
    rows: Mapping[str, Answers],
    asked: Sequence[Condition],
    data: Prepared,
    level: float,
    subjects: int,
    seed: int = 0,
) -> dict[str, dict[str, Entry]]:
    """PSNR of every row under every condition, on one image of each of the first test subjects.

    Args:
        rows: By name.
        asked: What they are asked; the first is what they are tuned for. One whose field the data lack is left out.
        data: Of the organ.
        level: Of the problem, at which settings are chosen.
        subjects: At most so many.
        seed: Of measurements and answers.
    """
    picked = equal_by_subject(data.test.subjects, min(subjects, data.test.n_subjects), "shift")
    names = [data.test.subjects[row] for row in picked]
    values: dict[str, dict[str, np.ndarray]] = {}
    for name, model in rows.items():
        best = best_setting(model, level, data.validation, seed)
        setting = model.solver.search[best] if best >= 0 else {}
        for condition in asked:
            if condition.field and condition.field not in data.fields:
                continue
            of = data.test.fields[condition.field] if condition.field else data.test.images
            images = np.asarray(of)[picked]
            changed = copy(model)  # what it has learned is shared
            changed.problem = condition.problem
            answer = to_uint8(changed.answer(level, images, seed, setting=setting)) / 255
            of_condition = values.setdefault(condition.name, {})
            of_condition[name] = psnr(answer, images.astype(np.float32) / 255)
    return {condition: entries(of, names) for condition, of in values.items()}


def tables(
    plan: Plan, task: Task, solvers: Sequence[str], changes: Sequence[str], subjects: int
) -> dict[str, dict[str, dict[str, Entry]]]:
    """``answered`` of each organ, each solver with the organ's own prior, or without one."""
    asked, found = conditions(task, changes), {}
    fields = [one.field for one in asked if one.field]
    cells = {name: c for name, c in trained_cells(plan, fields).items() if poses(task, c.modality)}
    with progress(f"shift {task.name}", len(cells)) as advance:
        for name, cell in cells.items():
            priors = {
                one.name: replace(cell, solver=one).model(plan, task.name, task.problem)
                for one in plan.solvers
            }
            without = replace(cell, trained=None)
            named = [one for one in plan.variants if isinstance(one, Solver) and one.name in solvers]
            baselines = {
                one.name: replace(without, variant=one).model(plan, task.name, task.problem) for one in named
            }
            rows = priors | baselines | beside(plan, cell, task, task.name)
            level = task.problem.levels[0]
            found[name] = answered(rows, asked, cell.data, level, subjects, cell.seed)
            advance(len(found), name)
    return found


def survey(
    run: Path,
    task: str,
    solvers: Sequence[str],
    changes: Sequence[str],
    subjects: int,
    modalities: Sequence[str] | None = None,
    variant: str | None = None,
) -> str:
    """Markdown: for each organ the PSNR of every solver under every condition.

    Args:
        run: Folder of a run with a trained prior of each organ.
        task: One that poses a problem.
        solvers: Names of solvers.
        changes: As ``conditions`` takes them.
        subjects: Test subjects of an organ, at most.
        modalities: The organs; None: those of the run.
        variant: The prior; None: the first of the run.

    Raises:
        InputError: Where something that is named does not fit, or an organ's prior is not trained.
    """
    plan = plan_of(run, task, solvers, modalities, variant)
    (asked,) = plan.tasks
    found = tables(plan, asked, solvers, changes, subjects)
    title = f"{asked.title}: settings and networks of the first column, on measurements that they are not tuned for"
    return "\n".join(page(of, f"{title}; {organ}", "solver") for organ, of in found.items())
