"""Score restored images pair by pair, on the boards of the task that asked for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mribench.data.organ import modality
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.runner import runspec
from mribench.sampling.fitting import check_problems, solvers
from mribench.scoring import beside, data, placing, restored_images
from mribench.scoring.questions import questions, restoration_task
from mribench.scoring.scored import Restoration
from mribench.scoring.settings import Settings
from mribench.scoring.sources import SIDES, row_name
from mribench.spec import Control, RestoredImages, Solver, Task


def score_restored(given: Any, asked: Settings) -> Restoration:
    """Compare restored images with the true ones.

    Args:
        given: as ``restored_images.read`` takes it; answers to what ``mribench questions`` writes with the same data,
            task, profile, side and seed.
        asked: the settings.

    Returns:
        The record of the task, and the board on which it stands: beside the baselines that learn nothing, the
        controls, and the rows of ``asked.beside`` that compare.

    Raises:
        MribenchError: in one sentence; InputError where something that was given cannot be used.
    """
    task = restoration_task(asked.task)
    restored = restored_images.read(given)
    if asked.n is not None or asked.steps is not None:
        raise InputError(
            f"--n and --steps are of generated images, and {task.name} has pairs; leave them out"
        )
    if restored.side not in SIDES:
        raise InputError(
            f"the restored images are {restored.side} pixels wide, expected {SIDES[0]} to {SIDES[-1]}; restore such"
        )
    organ = data.organ_of(asked.against, asked.modality)
    kept = beside.read_all(asked.beside)
    fitting = placing.fitting(kept, restored.side, organ, asked) if kept else None
    profile = fitting.profile if fitting else placing.profile_of(asked, restored.side)
    organ = fitting.organ if fitting else organ
    check_problems([task], restored.side, [modality(organ)])
    name = row_name(asked.name, f"restored-{restored.sha256[:8]}")
    if name in lookup.names("solvers"):
        raise InputError(f"--name {name} is the name of an installed solver; choose another")
    with placing.locked(asked):
        found = placing.prepared(asked, organ, profile, fitting)
        answers = restored.answers(questions(task, found.test, profile, asked.seed))
        about = {"kind": restored.kind, "sha256": restored.sha256}
        row = RestoredImages(name, "restored elsewhere", "", task.name, answers, source=about)
        cell = placing.cell_of(row, found, organ, profile, asked)
        plan = placing.plan_of(cell, profile, (task.name,), _beside(task, asked.controls), asked)
        (record,), board = placing.placed(cell, plan, kept, asked)
    return Restoration(record, board, asked.out)


def _beside(task: Task, names: Sequence[str] | None) -> tuple[Solver | Control, ...]:
    """What gives the board its scale: by default controls, and of a problem the baselines that train nothing."""
    if task.problem is None:
        names = runspec.CONTROLS if names is None else names
        return tuple(lookup.load_all("variants", names).values())
    if names is not None:
        return tuple(lookup.load_all("solvers", names).values())
    controls = lookup.load_all("solvers", task.problem.controls)
    found = solvers(controls, lookup.load_others("solvers", controls), [task])
    return tuple(solver for solver in found if not solver.needs and not solver.trains)
