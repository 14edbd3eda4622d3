"""Which questions a cell is asked, and with which sampler or solver it answers each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from mribench import results
from mribench.plugins import lookup
from mribench.results import Result
from mribench.runner import record
from mribench.runner.cell import Cell
from mribench.runner.plan import Plan
from mribench.sampling.offers import fits, not_applicable, poses
from mribench.spec import Control, RestoredImages, Solver, Task, Variant
from mribench.tasks.reading import produces_from_read


@dataclass(frozen=True)
class Question:
    """A task that a cell is asked. The names of its files are hashes of code and data: each is found once."""

    cell: Cell  # with its sampler or its solver
    task: Task
    plan: Plan

    @cached_property
    def record(self) -> Result:
        """What is known of the result before any work: all but scores, floors, figures and provenance."""
        return record.empty_result(self.cell, self.task, self.plan)

    @property
    def path(self) -> Path:
        """Of the result in the run folder."""
        return results.path_of(self.plan.out, self.record)

    @cached_property
    def output_name(self) -> str:
        """The folder of its outputs, below ``outputs`` in the run folder."""
        read = self.read.output_name if self.read and produces_from_read(self.task) else None
        return self.cell.output_name(self.task, self.plan, read)

    @property
    def folder(self) -> Path:
        """Of its outputs."""
        return self.plan.out / "outputs" / self.output_name

    @cached_property
    def read(self) -> Question | None:
        """The other task of the cell whose outputs this one reads."""
        return replace(self, task=lookup.load("tasks", self.task.reads)) if self.task.reads else None

    @property
    def folders(self) -> dict[str, str | None]:
        """Provenance: the outputs that the result is made from; of a task that does not apply the training."""
        if self.record.not_applicable:
            return {"checkpoint": self.cell.trained.name if self.cell.trained else None}
        read = {"reads": self.read.output_name} if self.read else {}
        return {"outputs": self.output_name} | read


def questions(cell: Cell, plan: Plan) -> list[Question]:
    """Every task with each compatible sampler, or with each solver that fits the problem that it poses.

    A problem of MRI is asked of no microscopy. A baseline, being a solver without a prior, is asked problems alone; a
    control that generates images is asked none of them, as problems have controls of their own.
    """
    if isinstance(cell.variant, RestoredImages):
        return [Question(cell, task, plan) for task in plan.tasks if task.name == cell.variant.task]
    tasks = [task for task in plan.tasks if poses(task, cell.modality)]
    sampled = [cell]
    if isinstance(cell.variant, Variant):
        sampled = [replace(cell, sampler=choice) for choice in plan.samplers_of(cell.variant)]
    if isinstance(cell.variant, Solver):
        return [Question(cell, task, plan) for task in tasks if fits(cell.variant, task)]
    asked = [Question(one, task, plan) for one in sampled for task in tasks if task.problem is None]
    unsampled = replace(sampled[0], sampler=None)
    for task in () if isinstance(cell.variant, Control) else tasks:
        if task.problem and not_applicable(task, cell.variant, cell.data):
            asked.append(Question(unsampled, task, plan))
        elif task.problem:
            fitting = (solver for solver in plan.solvers if fits(solver, task))
            asked += [Question(replace(unsampled, solver=solver), task, plan) for solver in fitting]
    return asked
