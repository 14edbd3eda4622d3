"""Which questions a cell is asked, and with which sampler or solver it answers each."""

from __future__ import annotations

from dataclasses import replace

from mribench.runner.cell import Cell
from mribench.runner.not_asked import needs_training
from mribench.runner.runspec import Plan
from mribench.sampling.offers import not_applicable
from mribench.spec import Solver, Task, Variant
from mribench.tasks.inverse import fits


def questions(cell: Cell, plan: Plan) -> list[tuple[Cell, Task]]:
    """Every task with each compatible sampler, or with each solver that fits the problem that it poses.

    A baseline, being a solver without a prior, is asked such tasks alone.
    """
    if isinstance(cell.variant, Solver):
        return [(cell, task) for task in plan.tasks if fits(cell.variant, task)]
    sampled = _sampled(cell, plan)
    asked = [(one, task) for one in sampled for task in plan.tasks if task.problem is None]
    unsampled = replace(sampled[0], sampler=None)
    for task in plan.tasks:
        if task.problem and not_applicable(task, cell.variant, cell.data):
            asked.append((unsampled, task))
        elif task.problem:
            asked += [
                (replace(unsampled, solver=solver), task) for solver in plan.solvers if fits(solver, task)
            ]
    return asked


def _sampled(cell: Cell, plan: Plan) -> list[Cell]:
    """The trained cell with each compatible sampler; what needs none is a single one."""
    if needs_training(cell, plan):
        cell = replace(cell, trained=cell.train_folder(plan))
    if not isinstance(cell.variant, Variant):
        return [cell]
    return [replace(cell, sampler=choice) for choice in plan.samplers_of(cell.variant)]
