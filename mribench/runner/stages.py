"""The stages of one cell: train -> produce -> score -> draw -> record. A finished stage is never run twice.

Each stage is a folder or file named by the hash of what made it; a changed input makes a new one and touches nothing
old.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from mribench import device, figures, files, hashing, manifest, provenance, results
from mribench.board import boards
from mribench.data.cards import terms
from mribench.errors import Damaged, Unavailable
from mribench.features import Extractor
from mribench.metrics import subsets
from mribench.progress import say, say_detail, say_done
from mribench.results import Result, schema
from mribench.runner import damage, not_asked, record, train_cells
from mribench.runner.cell import Cell
from mribench.runner.damage import read_outputs
from mribench.runner.plan import Plan
from mribench.runner.questions import Question, questions
from mribench.runner.tuned import is_recorded
from mribench.spec import GenerativeModel, Score
from mribench.tasks import reading
from mribench.training import folder as training_folder
from mribench.training import imports
from mribench.trust.examine import examine_prepared


def run_cell(cell: Cell, plan: Plan, extract: Extractor) -> list[Result]:
    """Train once, then run every task with every compatible sampler.

    Under ``accelerate launch`` all processes train and the first does the rest.
    """
    if cell.trained:
        train_cells.train(cell, plan)
    if device.world()[0] != 0:
        return []
    asked = groupby(questions(cell, plan), key=lambda question: question.cell.name)
    return [result for _, of_one in asked for result in _results(list(of_one), extract)]


def _results(asked: Sequence[Question], extract: Extractor) -> list[Result]:
    """Of every task of a cell; says in a line what was found, of one that is no control and was not finished."""
    existing = [_existing_result(question, say) for question in asked]
    done = [_result(*each, extract) for each in zip(asked, existing, strict=True)]
    cell = asked[0].cell
    if done != existing and not cell.variant.is_control:
        say_done(f"{cell.name.replace('_', ' ')}: {boards.cell_in_one_line(done)}")
    return done


def finished(cell: Cell, plan: Plan) -> list[Result] | None:
    """The results of a cell with nothing left to do; None where something is, or is damaged."""
    if cell.trained:
        if not training_folder.is_finished(cell.trained):
            return None
        train_cells.write_terms(cell)
        try:
            training_folder.check(cell.trained, plan.profile.keep, quick=True)
        except Damaged:
            return None  # raised again, and said, when the cell's turn comes
    existing = []
    for question in questions(cell, plan):
        result = _existing_result(question)
        if result is None or damage.of_result(plan.out, result):
            return None
        existing.append(result)
    return existing


def _existing_result(question: Question, tell: Callable[[str], object] = lambda _: None) -> Result | None:
    """The result on disk, if it was made from the same outputs and is as it was written; ``tell`` is given why not."""
    path, cell = question.path, question.cell
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
    tuned = cell.tuned(question.plan) if cell.trained else None
    made_from_these = result.provenance.items() >= question.folders.items()
    return result if is_recorded(tuned, result) and made_from_these else None


def _result(question: Question, existing: Result | None, extract: Extractor) -> Result:
    """Produce, score, draw, record; each only where it has not been done."""
    cell, task, plan = question.cell, question.task, question.plan
    damaged = damage.of_result(plan.out, existing) if existing else []
    if existing and not damaged:
        return existing
    if question.record.not_applicable:
        return not_asked.write_record(question)
    read = _outputs(question.read, {}) if question.read else {}
    outputs = read | _outputs(question, read)
    if existing:
        damage.say_again(each for each in damaged if each.path.parent.name == "figures")
        _draw(question, outputs)
        return existing
    start = time.monotonic()
    metrics = {metric: plan.metrics[metric] for metric in task.metrics}
    scores = tuple(map(finite, task.score(outputs, cell.data, plan.profile, metrics, extract, cell.seed)))
    judged = task.judge(outputs, cell.judged, plan.profile, extract, cell.seed) if task.judge else None
    folder = question.folder
    produced = schema.read(folder / damage.MADE, schema.Produced, f"delete {folder} to make it again")
    produced |= {"seconds_scoring": round(time.monotonic() - start, 3)}
    # provenance has it as a field of its own, below
    produced.pop("outputs_sha256", None)
    folders = question.folders
    hashes = {f"{of}_sha256": _outputs_sha256(plan.out / "outputs" / kept) for of, kept in folders.items()}
    made = record.provenance_of(cell, plan, produced, question.output_name)
    result = replace(
        question.record,
        scores=scores,
        spaces=_trust(question),
        floor=_floor(question, extract),
        audit=judged,
        figures=_draw(question, outputs),
        provenance=made | folders | hashes,
    )
    results.write(plan.out, result)
    say_detail(f"{cell.name} {task.name}: {judged['verdict'] if judged else boards.in_one_line(result)}")
    return result


def _trust(question: Question) -> dict[str, dict[str, Any]]:
    """Whether each feature space that the run names and the task uses may rank these images."""
    plan, data = question.plan, question.cell.data
    used = {space for name in question.task.metrics for space in plan.metrics[name].features}
    return {
        name: examine_prepared(plan.spaces[name], data, plan.out / "features")
        for name in plan.spec.features
        if name in used
    }


def _floor(question: Question, extract: Extractor) -> dict[str, dict[str, Any]]:
    """What real images score in a model's place, by metric label; computed once for all cells that share it."""
    cell, task, plan = question.cell, question.task, question.plan
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


def _outputs(question: Question, read: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of a task, from disk where they are there as they were written.

    ``read``: the outputs of the task that it reads.
    """
    folder = question.folder
    damaged = manifest.damages(folder / manifest.NAME)
    damage.say_again(damaged)
    outputs = None if damaged or not damage.has_record(folder) else read_outputs(folder)
    return _produce(question, read) if outputs is None else outputs


def _outputs_sha256(folder: Path) -> str:
    """Of the arrays as they were produced; an older version did not write it down."""
    made = files.read_json(folder / "made.json")
    return made.get("outputs_sha256") or hashing.arrays_sha256(read_outputs(folder) or {})


def _produce(question: Question, read: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fill the folder with outputs.npz (the images) and made.json (seconds, NFE, GFLOPs, peak memory).

    Raises Damaged where the weights were changed.
    """
    cell, task, plan = question.cell, question.task, question.plan
    provenance.reset_gpu_peak()
    if cell.trained:
        imports.load_diffusers()
    start = time.monotonic()
    if cell.trained:
        training_folder.check(cell.trained, plan.profile.keep)
    model = cell.model(plan, task.name, task.problem)
    try:
        outputs = reading.produce(task, model, cell.data, plan.profile, cell.seed, read)
    except Unavailable as reason:
        raise Unavailable(f"{cell.name} {task.name}: {reason}") from reason
    made = {"seconds": round(time.monotonic() - start, 3), "made_with": provenance.environment()}
    made |= {"outputs_sha256": hashing.arrays_sha256(outputs), **provenance.peak_memory_gib()}
    if cell.trained:
        made |= {"nfe": [*model.nfe], "gflops_per_evaluation": _gflops(cell, plan, model)}
    if task.problem and model.seconds:
        # of the last answers: those before tried the settings
        made["seconds_per_answer"] = model.seconds[-1]
        if model.train_images:
            made |= {"train_images": model.train_images, "train_seconds": round(model.train_seconds, 3)}
    with files.new_folder(question.folder) as temporary:
        files.write_json(temporary / terms.TERMS, terms.of_prepared(cell.data))
        np.savez_compressed(temporary / "outputs.npz", **outputs)
        files.write_json(temporary / damage.MADE, made)
        manifest.write(temporary / manifest.NAME, [temporary])
    return outputs


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


def _draw(question: Question, outputs: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Save the task's pictures of a cell; returns kind -> path relative to the run folder."""
    cell, task, plan, name = question.cell, question.task, question.plan, question.output_name
    if task.draw is None:
        return {}
    caption = f"{cell.modality.title}, {cell.name.replace('_', ' ')}, {plan.profile.name}, {cell.data.name}"

    def model() -> Any:
        training_folder.check(cell.trained, plan.profile.keep)
        return cell.model(plan, "reverse process")

    data = cell.judged if task.judge else cell.data
    paths = {}
    for kind, picture in task.draw(
        outputs, data, plan.profile, model if cell.sampler else None, caption
    ).items():
        paths[kind] = f"figures/{name}_{kind}.png"
        figures.save(plan.out / paths[kind], picture)
    manifest.write(damage.figure_manifest(plan.out, name), [plan.out / path for path in paths.values()])
    return paths
