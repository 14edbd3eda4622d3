"""The pipeline: prepare -> train -> produce -> score -> draw -> board. A finished stage is never run twice.

Each stage is a folder or file named by the hash of what made it; a changed input makes a new one and touches nothing
old. Under ``accelerate launch`` all processes train, the first does the rest.
"""

from __future__ import annotations

import math
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mribench import (
    device,
    figures,
    files,
    leaderboard,
    plugins,
    provenance,
    publish,
    record,
    results,
    runspec,
    trust,
)
from mribench.cell import Cell
from mribench.data import check_suits, terms
from mribench.errors import DataError, InputError
from mribench.features import Extractor
from mribench.metrics import subsets
from mribench.progress import progress, say
from mribench.results import Result
from mribench.runspec import Plan
from mribench.spec import Modality, Prepared, Score, Task


def run(spec: runspec.RunSpec) -> list[Result]:
    """Run every cell of a spec and return the results, in order. Raises MribenchError in one sentence."""
    plan = runspec.resolve(spec)
    check_suits(plan.modalities, plan.spec.data)
    rank, _ = device.world()
    with _only_writer(plan.out, rank):
        data = {modality.name: _prepared(modality, plan) for modality in plan.modalities}
        if rank == 0:
            files.write_text(plan.out / "spec.toml", runspec.to_toml(plan.spec))
        extract = Extractor(plan.spaces, plan.out / "features")
        cells = [
            Cell(modality, data[modality.name], variant, seed)
            for modality in plan.modalities
            for variant in plan.variants
            for seed in plan.spec.seeds
        ]
        _train_together(cells, plan)
        done = [result for cell in cells for result in _run_cell(cell, plan, extract, rank)]
        if rank == 0:
            _draw_overview(done, data, plan)
            publish.write(results.read_all([plan.out]), plan.out)
    return done


def _run_cell(cell: Cell, plan: Plan, extract: Extractor, rank: int) -> list[Result]:
    """Train once, then every sampler and task on what was trained."""
    sampled = [cell]
    if not cell.variant.is_control:
        trained = _trained(cell, plan)
        sampled = [replace(cell, trained=trained, sampler=sampler) for sampler in plan.samplers]
    return [_result(c, task, plan, extract) for c in sampled for task in plan.tasks] if rank == 0 else []


def _prepared(modality: Modality, plan: Plan) -> Prepared:
    """The prepared dataset; of several processes the first makes it and the others then read it."""
    from mribench.data import prepare_data

    rank, processes = device.world()
    wait = (
        device.accelerator(device.precision(plan.profile)).wait_for_everyone
        if processes > 1
        else lambda: None
    )
    if rank != 0:
        wait()
    with progress(f"prepare {modality.name}", 0) as advance:
        data = prepare_data(
            modality,
            plan.spec.data,
            plan.profile,
            plan.out,
            progress=lambda done, total: advance(done, total=total),
        )
    if rank == 0:
        wait()
    for split in ("train", "validation", "test"):
        if not len(getattr(data, split)):
            raise DataError(
                f"{modality.name}: the {split} split of {data.name} is empty; give images of more subjects"
            )
    return replace(data, is_mri=modality.is_mri)


def _train_together(cells: Sequence[Cell], plan: Plan) -> None:
    """On one GPU several models train at once; elsewhere each is trained when its turn comes."""
    left = [cell for cell in cells if not cell.variant.is_control and not _is_trained(cell, plan)]
    if len(left) > 1 and device.one_gpu():
        from mribench.together import train_together
        from mribench.train import training

        train_together(
            lambda interrupted, cell=cell: training(*_training(cell, plan), interrupted) for cell in left
        )


def _trained(cell: Cell, plan: Plan) -> Path:
    """Folder of the trained variant; trains, or goes on training, where it is not finished."""
    if not _is_trained(cell, plan):
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


def _result(cell: Cell, task: Task, plan: Plan, extract: Extractor) -> Result:
    """Produce, score, draw, record; each only where it has not been done."""
    name = cell.output_name(task, plan)
    other = plugins.load("tasks", task.reads) if task.reads else None
    made_from = {"outputs": name} | ({"reads": cell.output_name(other, plan)} if other else {})
    blank = record.blank(cell, task, plan)
    path = results.path_of(plan.out, blank)
    if path.exists() and (known := results.read(path)).provenance.items() >= made_from.items():
        return known
    outputs = _produced(cell, other, plan) if other else {}
    outputs |= _produced(cell, task, plan)
    start = time.monotonic()
    metrics = {metric: plan.metrics[metric] for metric in task.metrics}
    scores = tuple(map(_finite, task.score(outputs, cell.data, plan.profile, metrics, extract, cell.seed)))
    judged = task.judge(outputs, cell.data, plan.profile, extract, cell.seed) if task.judge else None
    produced = files.read_json(plan.out / "outputs" / name / "made.json")
    produced |= {"seconds_scoring": round(time.monotonic() - start, 3)}
    result = replace(
        blank,
        scores=scores,
        spaces=_trusted(cell.data, task, plan),
        floor=_floor(cell, task, plan, extract),
        audit=judged,
        figures=_draw(cell, task, outputs, plan, name),
        provenance=record.made_by(cell, plan, produced, name) | made_from,
    )
    results.write(plan.out, result)
    say(f"{cell.name} {task.name}: {judged['verdict'] if judged else leaderboard.in_one_line(result)}")
    return result


def _trusted(data: Prepared, task: Task, plan: Plan) -> dict[str, dict[str, Any]]:
    """Of each feature space that the run names, where the task uses it: whether it may rank these images."""
    used = {space for name in task.metrics for space in plan.metrics[name].features}
    return {
        name: trust.of_prepared(plan.spaces[name], data, plan.out / "features")
        for name in plan.spec.features
        if name in used
    }


def _floor(cell: Cell, task: Task, plan: Plan, extract: Extractor) -> dict[str, dict[str, Any]]:
    """What real images score in a model's place, by name of metric and space; kept by what it depends on."""
    found = {}
    for metric in (plan.metrics[name] for name in task.metrics if task.floor):
        for space in subsets.places(metric):
            path = (
                plan.out
                / "floors"
                / f"{cell.modality.name}-{record.floor_key(cell, metric, space, plan)}.json"
            )
            floor = files.read_json(path) if path.exists() else None
            if floor is None:
                floor = task.floor(metric, space, cell.data, plan.profile, extract)
                # what is blank for want of weights may be had the next time
                if floor["train_test"] is not None:
                    files.write_json(path, floor)
            found[results.called(metric.name, space)] = floor
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
    outputs = _outputs(folder)
    return _produce(cell, task, plan, folder) if outputs is None else outputs


def _outputs(folder: Path) -> dict[str, np.ndarray] | None:
    """The images of a finished stage; None where there are none, or none that can be read."""
    try:
        with np.load(folder / "outputs.npz", allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _produce(cell: Cell, task: Task, plan: Plan, folder: Path) -> dict[str, np.ndarray]:
    """Fill ``folder`` with outputs.npz (the images) and made.json (seconds, NFE, GFLOPs, peak memory)."""
    provenance.new_peak()
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


def _draw_overview(done: list[Result], data: Mapping[str, Prepared], plan: Plan) -> None:
    """figures/overview.png: every organ's held-out images beside the first trained variant's samples."""
    organs = {}
    for result in done:
        title = result.data["title"]
        if result.task != "generation" or result.is_control or title in organs:
            continue
        if outputs := _outputs(plan.out / "outputs" / result.provenance["outputs"]):
            organs[title] = data[result.modality].test.images, outputs["images"]
    path = plan.out / "figures" / "overview.png"
    if organs:
        figures.save(path, figures.overview(organs))


@contextmanager
def _only_writer(out: Path, rank: int) -> Iterator[None]:
    """One run at a time writes to a folder; the lock goes with the process, however it ends."""
    import fcntl

    out.mkdir(parents=True, exist_ok=True)
    if rank != 0:
        yield
        return
    with open(out / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"another mribench run is writing to {out}; wait for it or choose another --out"
            ) from error
        _sweep(out)
        yield


# where a run writes, and so where a killed one may have left something half-written
WRITTEN = (
    "",
    "data/",
    "train/*/",
    "train/*/checkpoints/",
    "outputs/",
    "features/",
    "floors/",
    "results/*/",
    "figures/",
)


def _sweep(out: Path) -> None:
    """Remove what a killed run was still writing here; no other run writes while the lock is held."""
    for place in WRITTEN:
        # at the top may lie what is not ours: only files with our own names
        pattern = f"{files.TEMPORARY}*-leaderboard.*" if place == "" else f"{place}{files.TEMPORARY}*"
        for left in out.glob(pattern):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
