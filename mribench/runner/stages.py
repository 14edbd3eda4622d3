"""The stages of one cell: train -> produce -> score -> draw -> record. A finished stage is never run twice.

Each stage is a folder or file named by the hash of what made it; a changed input makes a new one and touches nothing
old.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from mribench import device, figures, files, hashing, manifest, provenance, results
from mribench.board import boards
from mribench.data.cards import terms
from mribench.errors import Damaged
from mribench.features import Extractor
from mribench.metrics import subsets
from mribench.plugins import lookup
from mribench.progress import say, say_detail, say_done
from mribench.results import Result, schema
from mribench.runner import damage, not_asked, record
from mribench.runner.cell import Cell
from mribench.runner.damage import read_outputs
from mribench.runner.not_asked import needs_training
from mribench.runner.questions import questions
from mribench.runner.runspec import Plan
from mribench.runner.tuned import is_recorded
from mribench.sampling.offers import not_applicable
from mribench.spec import GenerativeModel, Model, Prepared, Problem, Score, Task
from mribench.training import folder as training_folder
from mribench.training import imports
from mribench.trust.examine import examine_prepared


def run_cell(cell: Cell, plan: Plan, extract: Extractor) -> list[Result]:
    """Train once, then run every task with every compatible sampler.

    Under ``accelerate launch`` all processes train and the first does the rest.
    """
    if needs_training(cell, plan):
        _train(cell, plan)
    if device.world()[0] != 0:
        return []
    asked = groupby(questions(cell, plan), key=lambda question: question[0].name)
    return [result for _, of_one in asked for result in _results(list(of_one), plan, extract)]


def _results(asked: Sequence[tuple[Cell, Task]], plan: Plan, extract: Extractor) -> list[Result]:
    """Of every task of a cell; says in a line what was found, of one that is no control and was not finished."""
    before = [_existing_result(cell, task, plan, tell=lambda _: None) for cell, task in asked]
    done = [_result(cell, task, plan, extract) for cell, task in asked]
    cell = asked[0][0]
    if done != before and not cell.variant.is_control:
        say_done(f"{cell.name.replace('_', ' ')}: {boards.cell_in_one_line(done)}")
    return done


def train_on_one_gpu(cells: Sequence[Cell], plan: Plan) -> None:
    """On one GPU several models train at once; elsewhere each is trained when its turn comes."""
    # of cells that share a training one stands for all
    by_training = {cell.train_folder(plan): cell for cell in cells if needs_training(cell, plan)}
    untrained = [cell for cell in by_training.values() if not _is_trained(cell, plan)]
    if len(untrained) > 1 and device.one_gpu():
        imports.load_diffusers()
        from mribench.training import interleave
        from mribench.training.arguments import TrainingArguments
        from mribench.training.train import training

        def start(cell: Cell, interrupted: Callable[[], bool]) -> interleave.Training:
            variant, *given = _arguments(cell, plan)
            return training(variant, TrainingArguments(*given), interrupted)

        interleave.train_interleaved(partial(start, cell) for cell in untrained)


def _train(cell: Cell, plan: Plan) -> None:
    """Train, or go on training, where it is not finished. Raises Damaged as ``damage.check_training`` does."""
    if _is_trained(cell, plan):
        damage.check_training(cell, plan, quick=True)
    else:
        imports.load_diffusers()
        from mribench.training.train import train

        train(*_arguments(cell, plan))


def _is_trained(cell: Cell, plan: Plan) -> bool:
    return training_folder.is_finished(cell.train_folder(plan))


def _arguments(cell: Cell, plan: Plan) -> tuple[Any, ...]:
    """Arguments of ``train``; its folder is made and holds the terms of its data."""
    folder = cell.train_folder(plan)
    folder.mkdir(parents=True, exist_ok=True)
    damage.write_terms(cell, folder)
    title = f"train {', '.join(cell.trained_on)} {cell.variant.name} seed {cell.seed}"
    splits = cell.split("train"), cell.split("validation")
    model, profile = cell.as_trained(plan)
    return model, *splits, profile, cell.seed, folder, title, plan.spec.track


def finished(cell: Cell, plan: Plan) -> list[Result] | None:
    """The results of a cell with nothing left to do; None where something is, or is damaged."""
    if needs_training(cell, plan):
        if not _is_trained(cell, plan):
            return None
        try:
            damage.check_training(cell, plan, quick=True)
        except Damaged:
            return None  # raised again, and said, when the cell's turn comes
    existing = []
    for asked, task in questions(cell, plan):
        result = _existing_result(asked, task, plan, tell=lambda _: None)
        if result is None or damage.of_result(plan.out, result):
            return None
        existing.append(result)
    return existing


def _existing_result(
    cell: Cell, task: Task, plan: Plan, tell: Callable[[str], object] = say
) -> Result | None:
    """The result on disk, if it was made from the same outputs and is as it was written; ``tell`` is given why not."""
    path = results.path_of(plan.out, record.empty_result(cell, task, plan))
    if not path.exists():
        return None
    try:
        result = results.read(path)
    except Damaged:
        tell(f"{path} cannot be read; it is made again")
        return None
    if result.edited:
        tell(f"{path} was changed after it was written; it is made again")
        return None
    names, tuned = _output_names(cell, task, plan), cell.tuned(plan) if cell.trained else None
    return result if is_recorded(tuned, result) and result.provenance.items() >= names.items() else None


def _task_read_by(task: Task) -> Task | None:
    """The task whose outputs this one reads."""
    return lookup.load("tasks", task.reads) if task.reads else None


def _output_names(cell: Cell, task: Task, plan: Plan) -> dict[str, str | None]:
    """Provenance: the folders of the outputs that a result is made from; of a task that does not apply the training."""
    if not_applicable(task, cell.variant, cell.data):
        return {"checkpoint": cell.trained.name if cell.trained else None}
    other = _task_read_by(task)
    reads = {"reads": cell.output_name(other, plan)} if other else {}
    return {"outputs": cell.output_name(task, plan)} | reads


def _result(cell: Cell, task: Task, plan: Plan, extract: Extractor) -> Result:
    """Produce, score, draw, record; each only where it has not been done."""
    existing = _existing_result(cell, task, plan)
    damaged = damage.of_result(plan.out, existing) if existing else []
    if existing and not damaged:
        return existing
    if not_applicable(task, cell.variant, cell.data):
        return not_asked.write_record(cell, task, plan)
    name, other = cell.output_name(task, plan), _task_read_by(task)
    outputs = _outputs(cell, other, plan) if other else {}
    outputs |= _outputs(cell, task, plan)
    if existing:
        damage.say_again(each for each in damaged if each.path.parent.name == "figures")
        _draw(cell, task, outputs, plan, name)
        return existing
    start = time.monotonic()
    metrics = {metric: plan.metrics[metric] for metric in task.metrics}
    scores = tuple(map(finite, task.score(outputs, cell.data, plan.profile, metrics, extract, cell.seed)))
    judged = task.judge(outputs, cell.judged, plan.profile, extract, cell.seed) if task.judge else None
    folder = plan.out / "outputs" / name
    produced = schema.read(folder / damage.MADE, schema.Produced, f"delete {folder} to make it again")
    produced |= {"seconds_scoring": round(time.monotonic() - start, 3)}
    produced.pop("outputs_sha256", None)
    folders = _output_names(cell, task, plan)
    hashes = {f"{of}_sha256": _outputs_sha256(plan.out / "outputs" / kept) for of, kept in folders.items()}
    result = replace(
        record.empty_result(cell, task, plan),
        scores=scores,
        spaces=_trust(cell.data, task, plan),
        floor=_floor(cell, task, plan, extract),
        audit=judged,
        figures=_draw(cell, task, outputs, plan, name),
        provenance=record.provenance_of(cell, plan, produced, name) | folders | hashes,
    )
    results.write(plan.out, result)
    say_detail(f"{cell.name} {task.name}: {judged['verdict'] if judged else boards.in_one_line(result)}")
    return result


def _trust(data: Prepared, task: Task, plan: Plan) -> dict[str, dict[str, Any]]:
    """Whether each feature space that the run names and the task uses may rank these images."""
    used = {space for name in task.metrics for space in plan.metrics[name].features}
    return {
        name: examine_prepared(plan.spaces[name], data, plan.out / "features")
        for name in plan.spec.features
        if name in used
    }


def _floor(cell: Cell, task: Task, plan: Plan, extract: Extractor) -> dict[str, dict[str, Any]]:
    """What real images score in a model's place, by metric label; computed once for all cells that share it."""
    floors = {}
    for metric in (plan.metrics[name] for name in task.metrics if task.floor):
        for space in subsets.spaces_of(metric):
            name = f"{cell.modality.name}-{record.floor_hash(cell, metric, space, plan)}.json"
            path = plan.out / "floors" / name
            floor = files.read_sealed_json(path)
            if floor is None:
                floor = task.floor(metric, space, cell.data, plan.profile, extract)
                # a floor that is blank for want of weights is computed again when they are there
                if floor["train_test"] is not None:
                    files.write_sealed_json(path, floor)
            floors[results.metric_label(metric.name, space)] = floor
    return floors


def finite(score: Score) -> Score:
    """A score that is NaN or infinite becomes a blank with that reason."""
    numbers = (score.value, score.low, score.high)
    if all(number is None or math.isfinite(number) for number in numbers):
        return score
    return replace(score, value=None, low=None, high=None, reason=f"the metric gave {score.value}")


def _outputs(cell: Cell, task: Task, plan: Plan) -> dict[str, np.ndarray]:
    """The outputs of a task, from disk where they are there as they were written."""
    folder = plan.out / "outputs" / cell.output_name(task, plan)
    damaged = manifest.damages(folder / manifest.NAME)
    damage.say_again(damaged)
    outputs = None if damaged or not damage.has_record(folder) else read_outputs(folder)
    return _produce(cell, task, plan, folder) if outputs is None else outputs


def _outputs_sha256(folder: Path) -> str:
    """Of the arrays as they were produced; an older version did not write it down."""
    made = files.read_json(folder / "made.json")
    return made.get("outputs_sha256") or hashing.arrays_sha256(read_outputs(folder) or {})


def _produce(cell: Cell, task: Task, plan: Plan, folder: Path) -> dict[str, np.ndarray]:
    """Fill ``folder`` with outputs.npz (the images) and made.json (seconds, NFE, GFLOPs, peak memory)."""
    provenance.reset_gpu_peak()
    if cell.trained:
        imports.load_diffusers()
    start = time.monotonic()
    model = _model(cell, plan, task.name, task.problem)
    outputs = task.produce(model, cell.data, plan.profile, cell.seed)
    made = {"seconds": round(time.monotonic() - start, 3), "made_with": provenance.environment()}
    made |= {"outputs_sha256": hashing.arrays_sha256(outputs), **provenance.peak_memory_gib()}
    if cell.trained:
        made |= {"nfe": [*model.nfe], "gflops_per_evaluation": _gflops(cell, plan, model)}
    with files.new_folder(folder) as temporary:
        files.write_json(temporary / terms.TERMS, terms.of_prepared(cell.data))
        np.savez_compressed(temporary / "outputs.npz", **outputs)
        files.write_json(temporary / damage.MADE, made)
        manifest.write(temporary / manifest.NAME, [temporary])
    return outputs


def _model(cell: Cell, plan: Plan, title: str, problem: Problem | None = None) -> Model:
    """What a task sees; raises Damaged where its weights were changed."""
    if cell.trained:
        damage.check_training(cell, plan)
    return cell.model(plan, title, problem)


def _gflops(cell: Cell, plan: Plan, model: Any) -> float:
    """Of one network evaluation for one image."""
    if isinstance(cell.variant, GenerativeModel):
        batch = plan.profile.sample_batch
        whole = provenance.gflops(lambda: model.generate(range(batch), cell.seed))
        return round(whole / batch / cell.variant.nfe, 4)
    # of the network as it is defined, not as it is optimised for this machine
    # a solver's prior runs on pixels
    channels, _, size = (1, 0, plan.profile.size) if cell.solver else model.shape
    return provenance.gflops_per_image(cell.network(plan.profile), size, channels)


def _draw(cell: Cell, task: Task, outputs: Mapping[str, np.ndarray], plan: Plan, name: str) -> dict[str, str]:
    """Save the task's pictures of a cell; returns kind -> path relative to the run folder."""
    if task.draw is None:
        return {}
    caption = f"{cell.modality.title}, {cell.name.replace('_', ' ')}, {plan.profile.name}, {cell.data.name}"
    paths = {}
    model = (lambda: _model(cell, plan, "reverse process")) if cell.sampler else None
    data = cell.judged if task.judge else cell.data
    for kind, picture in task.draw(outputs, data, plan.profile, model, caption).items():
        paths[kind] = f"figures/{name}_{kind}.png"
        figures.save(plan.out / paths[kind], picture)
    manifest.write(damage.figure_manifest(plan.out, name), [plan.out / path for path in paths.values()])
    return paths
