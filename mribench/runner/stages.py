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

from mribench import device, figures, files, provenance, results
from mribench.board import boards
from mribench.data.cards import terms
from mribench.features import Extractor
from mribench.metrics import subsets
from mribench.plugins import lookup
from mribench.progress import say
from mribench.results import Result
from mribench.runner import record
from mribench.runner.cell import Cell
from mribench.runner.runspec import Plan
from mribench.sampling import forward_process
from mribench.spec import Prepared, Score, Task
from mribench.training import imports
from mribench.trust.examine import examine_prepared


def run_cell(cell: Cell, plan: Plan, extract: Extractor) -> list[Result]:
    """Train once, then every sampler that fits and every task on what was trained.

    Under ``accelerate launch`` all processes train and the first does the rest.
    """
    if not cell.variant.is_control:
        _trained(cell, plan)
    rank, _ = device.world()
    if rank != 0:
        return []
    return [_result(c, task, plan, extract) for c in _sampled(cell, plan) for task in plan.tasks]


def _sampled(cell: Cell, plan: Plan) -> list[Cell]:
    """The cell with every sampler that fits what was trained; a control as it is."""
    if cell.variant.is_control:
        return [cell]
    choices = [choice for choice in plan.samplers if forward_process.compatible(cell.variant, choice.sampler)]
    return [replace(cell, trained=cell.train_folder(plan), sampler=choice) for choice in choices]


def train_on_one_gpu(cells: Sequence[Cell], plan: Plan) -> None:
    """On one GPU several models train at once; elsewhere each is trained when its turn comes."""
    left = [cell for cell in cells if not cell.variant.is_control and not _is_trained(cell, plan)]
    if len(left) > 1 and device.one_gpu():
        imports.load_diffusers()
        from mribench.training import interleave
        from mribench.training.train import training

        interleave.train_interleaved(
            lambda interrupted, cell=cell: training(*_training(cell, plan), interrupted) for cell in left
        )


def _trained(cell: Cell, plan: Plan) -> Path:
    """Folder of the trained variant; trains, or goes on training, where it is not finished."""
    if not _is_trained(cell, plan):
        imports.load_diffusers()
        from mribench.training.train import train

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
    if not cell.variant.is_control and not _is_trained(cell, plan):
        return None
    known = [_known(c, task, plan) for c in _sampled(cell, plan) for task in plan.tasks]
    return None if None in known else known


def _known(cell: Cell, task: Task, plan: Plan) -> Result | None:
    """The result that is on disk, where it is of the same outputs."""
    path = results.path_of(plan.out, record.empty_result(cell, task, plan))
    if (
        path.exists()
        and (known := results.read(path)).provenance.items() >= _made_from(cell, task, plan).items()
    ):
        return known
    return None


def _read(task: Task) -> Task | None:
    """The task whose outputs this one reads."""
    return lookup.load("tasks", task.reads) if task.reads else None


def _made_from(cell: Cell, task: Task, plan: Plan) -> dict[str, str]:
    other = _read(task)
    reads = {"reads": cell.output_name(other, plan)} if other else {}
    return {"outputs": cell.output_name(task, plan)} | reads


def _result(cell: Cell, task: Task, plan: Plan, extract: Extractor) -> Result:
    """Produce, score, draw, record; each only where it has not been done."""
    if known := _known(cell, task, plan):
        return known
    name, other = cell.output_name(task, plan), _read(task)
    outputs = _produced(cell, other, plan) if other else {}
    outputs |= _produced(cell, task, plan)
    start = time.monotonic()
    metrics = {metric: plan.metrics[metric] for metric in task.metrics}
    scores = tuple(map(_finite, task.score(outputs, cell.data, plan.profile, metrics, extract, cell.seed)))
    judged = task.judge(outputs, cell.data, plan.profile, extract, cell.seed) if task.judge else None
    produced = files.read_json(plan.out / "outputs" / name / "made.json")
    produced |= {"seconds_scoring": round(time.monotonic() - start, 3)}
    result = replace(
        record.empty_result(cell, task, plan),
        scores=scores,
        spaces=_trusted(cell.data, task, plan),
        floor=_floor(cell, task, plan, extract),
        audit=judged,
        figures=_draw(cell, task, outputs, plan, name),
        provenance=record.provenance_of(cell, plan, produced, name) | _made_from(cell, task, plan),
    )
    results.write(plan.out, result)
    say(f"{cell.name} {task.name}: {judged['verdict'] if judged else boards.in_one_line(result)}")
    return result


def _trusted(data: Prepared, task: Task, plan: Plan) -> dict[str, dict[str, Any]]:
    """Of each feature space that the run names, where the task uses it: whether it may rank these images."""
    used = {space for name in task.metrics for space in plan.metrics[name].features}
    return {
        name: examine_prepared(plan.spaces[name], data, plan.out / "features")
        for name in plan.spec.features
        if name in used
    }


def _floor(cell: Cell, task: Task, plan: Plan, extract: Extractor) -> dict[str, dict[str, Any]]:
    """What real images score in a model's place, by name of metric and space; kept by what it depends on."""
    found = {}
    for metric in (plan.metrics[name] for name in task.metrics if task.floor):
        for space in subsets.spaces_of(metric):
            path = (
                plan.out
                / "floors"
                / f"{cell.modality.name}-{record.floor_hash(cell, metric, space, plan)}.json"
            )
            floor = files.read_json(path) if path.exists() else None
            if floor is None:
                floor = task.floor(metric, space, cell.data, plan.profile, extract)
                # what is blank for want of weights may be had the next time
                if floor["train_test"] is not None:
                    files.write_json(path, floor)
            found[results.metric_label(metric.name, space)] = floor
    return found


def _finite(score: Score) -> Score:
    """A metric that gives NaN or infinity has given nothing: the cell stays blank and says why."""
    numbers = (score.value, score.low, score.high)
    if all(number is None or math.isfinite(number) for number in numbers):
        return score
    return replace(score, value=None, low=None, high=None, reason=f"the metric gave {score.value}")


def _produced(cell: Cell, task: Task, plan: Plan) -> dict[str, np.ndarray]:
    """What a task has produced of a cell, from disk where it is there."""
    folder = plan.out / "outputs" / cell.output_name(task, plan)
    outputs = outputs_of(folder)
    return _produce(cell, task, plan, folder) if outputs is None else outputs


def outputs_of(folder: Path) -> dict[str, np.ndarray] | None:
    """The images of a finished stage; None where there are none, or none that can be read."""
    try:
        with np.load(folder / "outputs.npz", allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _produce(cell: Cell, task: Task, plan: Plan, folder: Path) -> dict[str, np.ndarray]:
    """Fill ``folder`` with outputs.npz (the images) and made.json (seconds, NFE, GFLOPs, peak memory)."""
    provenance.reset_gpu_peak()
    if cell.trained:
        imports.load_diffusers()
    start = time.monotonic()
    model = cell.model(plan, task.title)
    outputs = task.produce(model, cell.data, plan.profile, cell.seed)
    made = {"seconds": round(time.monotonic() - start, 3), "made_with": provenance.environment()}
    made |= provenance.peak_memory_gib()
    if cell.trained:
        # of the network as it is defined, however it is arranged for this machine
        plain = cell.variant.network(plan.profile)
        made |= {
            "nfe": model.nfe,
            "gflops_per_evaluation": provenance.gflops_per_image(plain, model.shape[-1]),
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
