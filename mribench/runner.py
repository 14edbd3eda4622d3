"""The pipeline: prepare -> train -> produce -> score -> draw -> board. A finished stage is never run twice.

Each stage is a folder or file named by the hash of what made it; a changed input makes a new one and touches nothing
old. Under ``accelerate launch`` all processes train, the first does the rest.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mribench import device, figures, files, leaderboard, plugins, profiles, provenance, results, runspec
from mribench.errors import DataError, InputError
from mribench.features import Extractor
from mribench.progress import say
from mribench.results import Result
from mribench.runspec import Plan
from mribench.seeds import numpy_rng
from mribench.spec import Control, Modality, Prepared, Sampler, Task, Variant

# raised when training or producing changes its numbers: old stages are then left alone and new ones made
TRAIN_VERSION = 1
PRODUCE_VERSION = 1


@dataclass(frozen=True)
class Cell:
    """modality x dataset x variant x seed, and the sampler for what follows training (None for a control)."""

    modality: Modality
    data: Prepared
    variant: Variant | Control
    seed: int
    sampler: tuple[str, Sampler, int] | None = None

    @property
    def name(self) -> str:
        sampler = self.sampler[0] if self.sampler else None
        return "_".join(p for p in (self.modality.name, self.variant.name, sampler, f"s{self.seed}") if p)


def run(spec: runspec.RunSpec) -> list[Result]:
    """Run every cell of a spec and return the results, in order. Raises MribenchError in one sentence."""
    plan = runspec.resolve(spec)
    rank, world = device.world()
    with _only_writer(plan.out, rank):
        if rank == 0:
            files.write_text(plan.out / "spec.toml", runspec.to_toml(plan.spec))
        prepared = {modality.name: _prepared(modality, plan, rank, world) for modality in plan.modalities}
        extract = Extractor(plan.spaces)
        done: list[Result] = []
        for modality in plan.modalities:
            for variant in plan.variants:
                for seed in plan.spec.seeds:
                    cell = Cell(modality, prepared[modality.name], variant, seed)
                    done += _run_cell(cell, plan, extract, rank)
        if rank == 0:
            _draw_overview(done, prepared, plan)
            leaderboard.write(results.read_all([plan.out]), plan.out)
    return done


def _draw_overview(done: list[Result], prepared: Mapping[str, Prepared], plan: Plan) -> None:
    """figures/overview.png: every organ's held-out images beside the first trained variant's samples."""
    organs = {}
    for result in done:
        title = result.data["title"]
        if result.task != "generation" or result.is_control or title in organs:
            continue
        with np.load(plan.out / "outputs" / result.provenance["outputs"] / "outputs.npz", allow_pickle=False) as made:
            organs[title] = prepared[result.modality].test.images, made["images"]
    path = plan.out / "figures" / "overview.png"
    if organs:
        figures.save(path, figures.overview(organs))


def _run_cell(cell: Cell, plan: Plan, extract: Extractor, rank: int) -> list[Result]:
    """Train once, then every sampler and task on what was trained."""
    if isinstance(cell.variant, Control):
        return [_result(cell, None, task, plan, extract) for task in plan.tasks] if rank == 0 else []
    trained = _trained(cell, plan)
    if rank != 0:
        return []
    done = []
    for sampler in plan.samplers:
        sampled = Cell(cell.modality, cell.data, cell.variant, cell.seed, sampler)
        done += [_result(sampled, trained, task, plan, extract) for task in plan.tasks]
    return done


def _prepared(modality: Modality, plan: Plan, rank: int, world: int) -> Prepared:
    from mribench.data import prepare_data

    if world > 1:
        wait = device.accelerator(device.precision(plan.profile)).wait_for_everyone
        if rank != 0:
            wait()
        data = prepare_data(modality, plan.spec.data, plan.profile, plan.out)
        if rank == 0:
            wait()
    else:
        data = prepare_data(modality, plan.spec.data, plan.profile, plan.out)
    for split in ("train", "validation", "test"):
        if not len(getattr(data, split)):
            raise DataError(f"{modality.name}: the {split} split of {data.name} is empty; give images of more subjects")
    return data


def _trained(cell: Cell, plan: Plan) -> Path:
    """Folder of the trained variant; trains, or goes on training, where it is not finished."""
    made_from = {
        "version": TRAIN_VERSION,
        "data": cell.data.key,
        "variant": [cell.variant.name, cell.variant.version],
        "budget": profiles.training_budget(plan.profile),
        "seed": cell.seed,
    }
    folder = plan.out / "train" / f"{cell.name}_{files.key(made_from)}"
    if not (folder / "train.json").exists():
        from mribench.train import train

        folder.mkdir(parents=True, exist_ok=True)
        title = f"train {cell.modality.name} {cell.variant.name} seed {cell.seed}"
        splits = cell.data.train, cell.data.validation
        train(cell.variant, *splits, plan.profile, cell.seed, folder, title, plan.spec.track)
    return folder


def _result(cell: Cell, trained: Path | None, task: Task, plan: Plan, extract: Extractor) -> Result:
    """Produce, score, draw, record; each only where it has not been done."""
    made_from = {
        "version": [PRODUCE_VERSION, task.name, task.version],
        "model": [trained.name, plan.profile.keep] if trained else [cell.data.key, cell.variant.name, cell.variant.version],
        "sampler": [cell.sampler[0], cell.sampler[1].version, plan.profile.sample_batch] if cell.sampler else None,
        "n": [plan.profile.n_generated, plan.profile.alpha_bars, plan.profile.size],
        "seed": cell.seed,
    }
    name = f"{cell.name}_{task.name}_{files.key(made_from)}"
    folder = plan.out / "outputs" / name
    record = _blank_result(cell, task, plan)
    path = results.path_of(plan.out, record)
    if path.exists() and (known := results.read(path)).provenance.get("outputs") == name and (folder / "made.json").exists():
        return known
    if not (folder / "made.json").exists():
        _produce(cell, trained, task, plan, folder)
    made = files.read_json(folder / "made.json")
    with np.load(folder / "outputs.npz", allow_pickle=False) as archive:
        outputs = dict(archive)
    metrics = {metric: plan.metrics[metric] for metric in task.metrics}
    start = time.monotonic()
    scores = task.score(outputs, cell.data, plan.profile, metrics, extract, cell.seed)
    made["seconds_scoring"] = round(time.monotonic() - start, 3)
    drawn = _draw(cell, task, outputs, trained, plan, name)
    record = Result(
        **{
            **{field: getattr(record, field) for field in record.__dataclass_fields__},
            "scores": tuple(scores),
            "figures": drawn,
            "provenance": _provenance(cell, trained, plan, made, name),
        }
    )
    results.write(plan.out, record)
    say(f"{cell.name} {task.name}: " + leaderboard.in_one_line(record))
    return record


def _produce(cell: Cell, trained: Path | None, task: Task, plan: Plan, folder: Path) -> None:
    from mribench.sample import Fitted

    start = time.monotonic()
    model = Fitted(cell.variant, cell.data.train) if trained is None else _loaded(cell, trained, plan, task.title)
    outputs = task.produce(model, cell.data, plan.profile, cell.seed)
    made = {"seconds": round(time.monotonic() - start, 3), "nfe": getattr(model, "nfe", None)}
    if trained is not None:
        made["gflops_per_evaluation"] = provenance.gflops_per_image(model.net, plan.profile.size)
    with files.new_folder(folder) as temporary:
        np.savez_compressed(temporary / "outputs.npz", **outputs)
        files.write_json(temporary / "made.json", made | provenance.peak_memory_gib())


def _loaded(cell: Cell, trained: Path, plan: Plan, title: str) -> Any:
    from mribench.sample import Trained

    name, sampler, steps = cell.sampler
    precision = files.read_json(trained / "train.json")["precision"]
    title = f"{title} {cell.modality.name} {cell.variant.name} {name}"
    return Trained(trained / plan.profile.keep, sampler, steps, plan.profile, precision, title)


def _blank_result(cell: Cell, task: Task, plan: Plan) -> Result:
    """The record before its scores: what it is and what it may be compared with."""
    profile, data, modality = plan.profile, cell.data, cell.modality
    budget = asdict(profile)
    for field in ("name", "purpose", "samplers", "checkpoint_every", "sample_batch"):
        budget.pop(field)
    spaces = {space for metric in task.metrics for space in plan.metrics[metric].features}
    return Result(
        modality=modality.name,
        variant=cell.variant.name,
        sampler=cell.sampler[0] if cell.sampler else None,
        seed=cell.seed,
        task=task.name,
        is_control=cell.variant.is_control,
        scores=(),
        comparability={
            "modality": modality.name,
            "data": data.name,
            "data_kind": data.kind,
            "data_key": data.key,
            "split": "test",
            "resolution": profile.size,
            "profile": profile.name,
            "budget": files.key(budget),
            "task": f"{task.name} v{task.version}",
            "metrics": [f"{metric} v{plan.metrics[metric].version}" for metric in task.metrics],
            "feature_spaces": sorted(plan.spaces[space].identity() for space in spaces),
            "n_generated": profile.n_generated if task.name == "generation" else len(data.test),
            "n_reference": len(data.test),
        },
        data={
            "title": modality.title,
            "contrast": modality.contrast,
            "is_mri": modality.is_mri,
            "images": {s: len(getattr(data, s)) for s in ("train", "validation", "test")},
            "subjects": {s: getattr(data, s).n_subjects for s in ("train", "validation", "test")},
        },
        metrics={
            name: {"title": m.title, "unit": m.unit, "direction": m.direction, "paper": m.paper}
            for name, m in plan.metrics.items()
            if name in task.metrics
        },
        provenance={},
        reported=asdict(modality.reported) if modality.reported else None,
    )


def _provenance(cell: Cell, trained: Path | None, plan: Plan, made: dict[str, Any], outputs: str) -> dict[str, Any]:
    return {
        "outputs": outputs,
        "checkpoint": trained.name if trained else None,
        "checkpoint_sha256": _weights_sha256(trained / plan.profile.keep) if trained else None,
        "training": files.read_json(trained / "train.json") if trained else None,
        "produced": made,
        "profile": asdict(plan.profile),
        "plugins": {
            "modality": plugins.owner("modalities", cell.modality.name),
            "variant": plugins.owner("variants", cell.variant.name),
        },
        "versions": provenance.versions(),
        "git_commit": provenance.git_commit(),
        "machine": provenance.machine(),
    }


def _weights_sha256(pipeline: Path) -> str:
    return files.sha256(next((pipeline / "unet").glob("*.safetensors")))


def _draw(
    cell: Cell, task: Task, outputs: dict[str, np.ndarray], trained: Path | None, plan: Plan, name: str
) -> dict[str, str]:
    """The pictures of a cell; paths relative to the run folder."""
    drawn: dict[str, str] = {}

    def keep(kind: str, picture: np.ndarray) -> None:
        path = Path("figures") / f"{name}_{kind}.png"
        figures.save(plan.out / path, picture)
        drawn[kind] = path.as_posix()

    words = f"{cell.modality.title}, {cell.name.replace('_', ' ')}, {plan.profile.name}, {cell.data.name}"
    test = cell.data.test.images
    if task.name == "generation":
        samples = outputs["images"]
        keep("samples", figures.captioned(figures.grid(samples[:64], 8), f"generated: {words}"))
        halves = (("real", test[figures.spread(len(test), 32)]), ("generated", samples[:32]))
        pictures = [figures.captioned(figures.grid(images, 4), f"{side}: {cell.modality.title}") for side, images in halves]
        keep("beside", figures.beside(*pictures))
        if trained is not None:
            model = _loaded(cell, trained, plan, "reverse process")
            levels = model.trained_scheduler.alphas_cumprod.numpy()
            forward = figures.forward_process(test[figures.spread(len(test), 4)], levels, 10, numpy_rng("figure"))
            keep("forward", figures.captioned(figures.grid(forward.reshape(-1, *test.shape[1:]), 10), f"forward process: {words}"))
            reverse = (model.trajectory(range(4), cell.seed, 10) * 255).astype(np.uint8)
            keep("reverse", figures.captioned(figures.grid(reverse.reshape(-1, *test.shape[1:]), 10), f"reverse process: {words}"))
    elif task.name == "reconstruction":
        rows = figures.spread(len(test), 8)
        columns = [test[rows], *(images[rows] for images in outputs.values())]
        stacked = np.stack(columns, axis=1).reshape(-1, *test.shape[1:])
        levels = ", ".join(f"{alpha_bar:.2f}" for alpha_bar in plan.profile.alpha_bars)
        keep("restored", figures.captioned(figures.grid(stacked, len(columns)), f"held out | restored from alpha-bar {levels}"))
    return drawn


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
            raise InputError(f"another mribench run is writing to {out}; wait for it or choose another --out") from error
        _sweep(out)
        yield


def _sweep(out: Path) -> None:
    """Remove what a killed run was still writing; nobody else writes while the lock is held."""
    for depth in ("", "*/", "*/*/", "*/*/*/"):
        for left in out.glob(f"{depth}.tmp-*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
