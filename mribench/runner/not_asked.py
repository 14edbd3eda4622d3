"""Tasks that do not apply to a variant: nothing is trained for them, and their record is a reason without scores."""

from __future__ import annotations

from dataclasses import replace

from mribench import provenance, results
from mribench.progress import say_detail
from mribench.results import Result
from mribench.runner import record
from mribench.runner.cell import Cell
from mribench.runner.runspec import Plan
from mribench.sampling.offers import not_applicable
from mribench.spec import Task


def needs_training(cell: Cell, plan: Plan) -> bool:
    """Whether any task of the run is asked of a variant that learns."""
    asked = (task for task in plan.tasks if not_applicable(task, cell.variant, cell.data) is None)
    return cell.is_trained_here and any(asked)


def write_record(cell: Cell, task: Task, plan: Plan) -> Result:
    """The record of a task that does not apply. It names the training, where other tasks of the run have one."""
    made = {"made_with": provenance.environment()}
    result = replace(
        record.empty_result(cell, task, plan), provenance=record.provenance_of(cell, plan, made, None)
    )
    results.write(plan.out, result)
    say_detail(f"{cell.name} {task.name}: not applicable, {result.not_applicable}")
    return result
