"""Train what cells need: each model once, several at a time on one GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mribench import device, files
from mribench.data.cards import terms
from mribench.runner.cell import Cell
from mribench.runner.plan import Plan
from mribench.spec import GenerativeModel, Variant
from mribench.training import folder as training_folder
from mribench.training import imports
from mribench.training.arguments import TrainingArguments

if TYPE_CHECKING:
    from mribench.training.interleave import Training


def train(cell: Cell, plan: Plan) -> None:
    """Train, or go on training, where it is not finished. Raises Damaged as ``training.folder.check`` does."""
    assert cell.trained is not None
    write_terms(cell)
    if training_folder.is_finished(cell.trained):
        training_folder.check(cell.trained, plan.profile.keep, quick=True)
    else:
        imports.load_diffusers()
        from mribench.training.train import train

        train(*_model_and_arguments(cell, plan))


def train_on_one_gpu(cells: Sequence[Cell], plan: Plan) -> None:
    """On one GPU several models train at once; elsewhere each is trained when its turn comes."""
    # of cells that share a training one stands for all
    by_training = {cell.trained: cell for cell in cells if cell.trained}
    untrained = [cell for folder, cell in by_training.items() if not training_folder.is_finished(folder)]
    if len(untrained) > 1 and device.one_gpu():
        imports.load_diffusers()
        from mribench.training.interleave import train_interleaved
        from mribench.training.train import training

        def start(cell: Cell, interrupted: Callable[[], bool]) -> Training:
            write_terms(cell)
            return training(*_model_and_arguments(cell, plan), interrupted)

        train_interleaved(partial(start, cell) for cell in untrained)


def write_terms(cell: Cell) -> None:
    """Put the terms of all data that a training sees beside its weights; those of a joint training whose other organs
    are not at hand stay as they are."""
    if cell.trained and (cell.organs or not cell.is_joint):
        rows = [row for data in cell.trained_on.values() for row in terms.of_prepared(data)]
        files.write_json(cell.trained / terms.TERMS, terms.distinct(rows) if cell.is_joint else rows)


def _model_and_arguments(cell: Cell, plan: Plan) -> tuple[Variant | GenerativeModel, TrainingArguments]:
    """What ``training.train`` is given."""
    assert cell.trained is not None
    model, profile = cell.as_trained(plan)
    return model, TrainingArguments(
        cell.split("train"),
        cell.split("validation"),
        profile,
        cell.seed,
        cell.trained,
        f"train {', '.join(cell.trained_on)} {cell.variant.name} seed {cell.seed}",
        plan.spec.track,
    )
