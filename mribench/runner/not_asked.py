"""Tasks that do not apply to a variant: their record is a reason without scores."""

from __future__ import annotations

from dataclasses import replace

from mribench import provenance, results
from mribench.progress import say_detail
from mribench.results import Result
from mribench.runner import record
from mribench.runner.questions import Question


def write_record(question: Question) -> Result:
    """The record of a task that does not apply. It names the training, where other tasks of the run have one."""
    cell, plan = question.cell, question.plan
    made = {"made_with": provenance.environment()}
    result = replace(question.record, provenance=record.provenance_of(cell, plan, made, None))
    results.write(plan.out, result)
    say_detail(f"{cell.name} {question.task.name}: not applicable, {result.not_applicable}")
    return result
