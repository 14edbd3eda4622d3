"""Train what cells need: each model once, several at a time on one GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mribench import device
from mribench.runner import damage
from mribench.runner.cell import Cell
from mribench.runner.runspec import Plan
from mribench.spec import GenerativeModel, Variant
from mribench.training import folder as training_folder
from mribench.training import imports
from mribench.training.arguments import TrainingArguments

if TYPE_CHECKING:
    from mribench.training.interleave import Training


def train(cell: Cell, plan: Plan) -> None:
    """Train, or go on training, where it is not finished. Raises Damaged as ``damage.check_training`` does."""
    if is_trained(cell):
        damage.check_training(cell, plan, quick=True)
    else:
        imports.load_diffusers()
        from mribench.training.train import train

        train(*_model_and_arguments(cell, plan))


def train_on_one_gpu(cells: Sequence[Cell], plan: Plan) -> None:
    """On one GPU several models train at once; elsewhere each is trained when its turn comes."""
    # of cells that share a training one stands for all
    by_training = {cell.trained: cell for cell in cells if cell.trained}
    untrained = [cell for cell in by_training.values() if not is_trained(cell)]
    if len(untrained) > 1 and device.one_gpu():
        imports.load_diffusers()
        from mribench.training.interleave import train_interleaved
        from mribench.training.train import training

        def start(cell: Cell, interrupted: Callable[[], bool]) -> Training:
            return training(*_model_and_arguments(cell, plan), interrupted)

        train_interleaved(partial(start, cell) for cell in untrained)


def is_trained(cell: Cell) -> bool:
    return cell.trained is not None and training_folder.is_finished(cell.trained)


def _model_and_arguments(cell: Cell, plan: Plan) -> tuple[Variant | GenerativeModel, TrainingArguments]:
    """What ``training.train`` is given; its folder is made and holds the terms of its data."""
    assert cell.trained is not None
    cell.trained.mkdir(parents=True, exist_ok=True)
    damage.write_terms(cell)
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
