"""The stages of one cell: train -> produce -> score -> draw -> record. A finished stage is never run twice.

Each stage is a folder or file named by the hash of what made it; a changed input makes a new one and touches nothing
old.
"""

from __future__ import annotations

import math
import time
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mribench import device, figures, files, leaderboard, lean, provenance, record, results
from mribench.cell import Cell
from mribench.data import terms
from mribench.features import Extractor
from mribench.progress import say
from mribench.results import Result
from mribench.runspec import Plan
from mribench.spec import Score, Task


def run_cell(cell: Cell, plan: Plan, extract: Extractor) -> list[Result]:
    """Train once, then every sampler and task on what was trained.

    Under ``accelerate launch`` all processes train and the first does the rest.
    """
    sampled = [cell]
    if not cell.variant.is_control:
        trained = _trained(cell, plan)
        sampled = [replace(cell, trained=trained, sampler=sampler) for sampler in plan.samplers]
    rank, _ = device.world()
    return [_result(c, task, plan, extract) for c in sampled for task in plan.tasks] if rank == 0 else []


def train_together(cells: Sequence[Cell], plan: Plan) -> None:
    """On one GPU several models train at once; elsewhere each is trained when its turn comes."""
    left = [cell for cell in cells if not cell.variant.is_control and not _is_trained(cell, plan)]
    if len(left) > 1 and device.one_gpu():
        lean.load_diffusers()
        from mribench import together
        from mribench.train import training

        together.train_together(
            lambda interrupted, cell=cell: training(*_training(cell, plan), interrupted) for cell in left
        )


def _trained(cell: Cell, plan: Plan) -> Path:
    """Folder of the trained variant; trains, or goes on training, where it is not finished."""
    if not _is_trained(cell, plan):
        lean.load_diffusers()
        from mribench.train import train

        train(*_training(cell, plan))
    return cell.train_folder(plan)


def _is_trained(cell: Cell, plan: Plan) -> bool:
    return (cell.train_folder(plan) / "train.json").exists()


def _training(cell: Cell, plan: Plan) -> tuple[Any, ...]:
    """Arguments of ``train``, after its folder is there and says on what terms its data came."""
    folder = cell.train_folder(plan)
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / terms.TERMS, terms.of_prepared(cell.data))
    title = f"train {cell.modality.name} {cell.variant.name} seed {cell.seed}"
    splits = cell.data.train, cell.data.validation
    return cell.variant, *splits, plan.profile, cell.seed, folder, title, plan.spec.track


def finished(cell: Cell, plan: Plan) -> list[Result] | None:
    """The results of a cell with nothing left to do."""
    sampled = [cell]
    if not cell.variant.is_control:
        if not _is_trained(cell, plan):
            return None
        sampled = [
            replace(cell, trained=cell.train_folder(plan), sampler=sampler) for sampler in plan.samplers
        ]
    known = [_known(c, task, plan, record.blank(c, task, plan)) for c in sampled for task in plan.tasks]
    return None if None in known else known


def _known(cell: Cell, task: Task, plan: Plan, blank: Result) -> Result | None:
    path = results.path_of(plan.out, blank)
    if path.exists() and (known := results.read(path)).provenance.get("outputs") == cell.output_name(
        task, plan
    ):
        return known
    return None


def _result(cell: Cell, task: Task, plan: Plan, extract: Extractor) -> Result:
    """Produce, score, draw, record; each only where it has not been done."""
    blank = record.blank(cell, task, plan)
    if known := _known(cell, task, plan, blank):
        return known
    name = cell.output_name(task, plan)
    folder = plan.out / "outputs" / name
    outputs = outputs_of(folder) or _produce(cell, task, plan, folder)
    start = time.monotonic()
    metrics = {metric: plan.metrics[metric] for metric in task.metrics}
    scores = tuple(map(_finite, task.score(outputs, cell.data, plan.profile, metrics, extract, cell.seed)))
    produced = files.read_json(folder / "made.json") | {"seconds_scoring": round(time.monotonic() - start, 3)}
    result = replace(
        blank,
        scores=scores,
        figures=_draw(cell, task, outputs, plan, name),
        provenance=record.made_by(cell, plan, produced, name),
    )
    results.write(plan.out, result)
    say(f"{cell.name} {task.name}: {leaderboard.in_one_line(result)}")
    return result


def _finite(score: Score) -> Score:
    """A metric that gives NaN or infinity has given nothing: the cell stays blank and says why."""
    numbers = (score.value, score.low, score.high)
    if all(number is None or math.isfinite(number) for number in numbers):
        return score
    return replace(score, value=None, low=None, high=None, reason=f"the metric gave {score.value}")


def outputs_of(folder: Path) -> dict[str, np.ndarray] | None:
    """The images of a finished stage; None where there are none, or none that can be read."""
    try:
        with np.load(folder / "outputs.npz", allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _produce(cell: Cell, task: Task, plan: Plan, folder: Path) -> dict[str, np.ndarray]:
    """Fill ``folder`` with outputs.npz (the images) and made.json (seconds, NFE, GFLOPs, peak memory)."""
    provenance.new_peak()
    lean.load_diffusers()
    start = time.monotonic()
    model = cell.model(plan, task.title)
    outputs = task.produce(model, cell.data, plan.profile, cell.seed)
    made = {"seconds": round(time.monotonic() - start, 3), "made_with": provenance.made_with()}
    made |= provenance.peak_memory_gib()
    if cell.trained:
        made |= {
            "nfe": model.nfe,
            "gflops_per_evaluation": provenance.gflops_per_image(model.net, plan.profile.size),
        }
    with files.new_folder(folder) as temporary:
        files.write_json(temporary / terms.TERMS, terms.of_prepared(cell.data))
        np.savez_compressed(temporary / "outputs.npz", **outputs)
        files.write_json(temporary / "made.json", made)
    return outputs


def _draw(cell: Cell, task: Task, outputs: Mapping[str, np.ndarray], plan: Plan, name: str) -> dict[str, str]:
    """Save the task's pictures of a cell; returns kind -> path relative to the run folder."""
    if task.draw is None:
        return {}
    words = f"{cell.modality.title}, {cell.name.replace('_', ' ')}, {plan.profile.name}, {cell.data.name}"
    drawn = {}
    model = (lambda: cell.model(plan, "reverse process")) if cell.trained else None
    for kind, picture in task.draw(outputs, cell.data, plan.profile, model, words).items():
        drawn[kind] = f"figures/{name}_{kind}.png"
        figures.save(plan.out / drawn[kind], picture)
    return drawn
