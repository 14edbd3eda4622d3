"""From a cell to its record: what it is, what it may be compared with, what made it."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

from mribench import hashing, profiles
from mribench.audit import training_set
from mribench.data.cards import terms
from mribench.metrics import floor, uncertainty
from mribench.plugins import lookup
from mribench.results import Result, schema
from mribench.runner.cell import PRODUCE_VERSION, TRAIN_VERSION, Cell, field_keys
from mribench.runner.plan import Plan
from mribench.sampling.offers import not_applicable
from mribench.spec import Control, Metric, PretrainedModel, RestoredImages, Solver, Task
from mribench.training.folder import checkpoint_files, checkpoint_sha256

# fields of a profile that no score depends on
UNSCORED = {
    "name",
    "purpose",
    "ranks",
    "samplers",
    "checkpoint_every",
    "sample_batch",
    "precision",
    "compile",
}


def empty_result(cell: Cell, task: Task, plan: Plan) -> Result:
    """The record before its scores; its path is known from here on."""
    profile, data, modality = plan.profile, cell.data, cell.modality
    metrics = {name: plan.metrics[name] for name in task.metrics}
    spaces = {space for part in (task, *metrics.values()) for space in part.features}
    splits = {split: getattr(data, split) for split in ("train", "validation", "test")}
    return Result(
        modality=modality.name,
        variant=cell.variant.name,
        sampler=cell.drawn_by,
        seed=cell.seed,
        task=task.name,
        is_control=cell.variant.is_control,
        versions={"variant": cell.variant.version}
        | ({"sampler": cell.sampler.sampler.version} if cell.sampler else {})
        | ({"sampler": cell.solver.version} if cell.solver else {}),
        scores=(),
        comparability={
            "modality": modality.name,
            "data": data.name,
            "data_kind": data.kind,
            "data_key": data.key,
            "split": "test",
            "pipeline": f"train v{TRAIN_VERSION}, produce v{PRODUCE_VERSION}",
            "precision": profile.precision,
            "resolution": profile.size,
            "profile": profile.name,
            "budget": hashing.json_hash(
                {k: v for k, v in profiles.settings(profile).items() if k not in UNSCORED}
            ),
            "task": f"{task.name} v{task.version}",
            "metrics": [f"{name} v{metric.version}" for name, metric in metrics.items()],
            "feature_spaces": sorted(plan.spaces[space].identity() for space in spaces),
            "n_generated": profile.n_generated,
            "n_reference": len(data.test),
            "uncertainty": f"intervals v{uncertainty.VERSION}, floor v{floor.VERSION}",
        }
        | ({"track": task.track} if task.track else {})
        # each problem is a question of its own, with a board and ranks of its own
        | ({"problem": task.problem.title} if task.problem else {})
        | ({"fields": keys} if (keys := field_keys(task, data)) else {}),
        data={
            "title": modality.title,
            # a modality's contrast is its phantom's; real images have their own
            "contrast": modality.contrast if data.kind == "phantom" else "contrast as in the source",
            "is_mri": modality.is_mri,
            "images": {name: len(split) for name, split in splits.items()},
            "subjects": {name: split.n_subjects for name, split in splits.items()},
            "near_duplicates_across_splits": data.manifest.get("near_duplicates_across_splits"),
            "adjusted": bool(data.manifest.get("adjusted", False)),
            "subjects_known": data.manifest.get("subjects_known", True),
            "terms": terms.of_prepared(data),
        },
        metrics={
            name: {
                word: getattr(m, word) for word in ("title", "unit", "direction", "paper", "kind", "headline")
            }
            | {"range": [end if isfinite(end) else None for end in m.range]}
            for name, m in metrics.items()
        },
        provenance={},
        reported=asdict(modality.reported) if modality.reported else None,
        primary=task.primary if task.primary in task.metrics else None,
        expected=_expected(cell),
        level_name=task.level_name,
        not_applicable=not_applicable(task, cell.variant, cell.data),
        answers_by=_answers_by(cell, task),
        reported_table=asdict(task.reported) if task.reported else None,
    )


def _answers_by(cell: Cell, task: Task) -> str | None:
    """What the answers to a problem rest on."""
    solver = cell.variant if isinstance(cell.variant, Solver) else cell.solver
    return solver.answers_by if task.problem and solver else None


def _expected(cell: Cell) -> dict[str, Any] | None:
    """Where a control must land."""
    expected = cell.variant.expected if isinstance(cell.variant, Control | Solver) else None
    return asdict(expected) if expected else None


def floor_hash(cell: Cell, metric: Metric, space: str | None, plan: Plan) -> str:
    """Hash of everything that the noise floor of one metric, in one space or on images, depends on."""
    versions = [
        metric.name,
        metric.version,
        plan.spaces[space].identity() if space else "images",
        floor.VERSION,
        uncertainty.VERSION,
    ]
    return hashing.json_hash([cell.data.key, plan.profile.n_generated, *versions])


def provenance_of(cell: Cell, plan: Plan, produced: dict[str, Any], outputs: str | None) -> dict[str, Any]:
    """Provenance: hashes of data and checkpoint, training, sampling, packages, commit, machine.

    Without ``outputs`` nothing was produced: the task is not applicable.
    """
    trained = cell.trained
    weights = checkpoint_files(trained, plan.profile.keep) if trained else []
    made_with = produced.pop("made_with", {})
    is_foreign = isinstance(cell.variant, PretrainedModel | RestoredImages)
    return (
        made_with
        | {
            "outputs": outputs,
            "data_key": cell.data.key,
            "checkpoint": trained.name if trained else None,
            "checkpoint_sha256": checkpoint_sha256(weights),
            "training": _training(trained) if trained else None,
            "produced": produced,
            "profile": asdict(plan.profile),
            "spec": _spec(cell, plan),
            "plugins": {
                "modality": _owner("modalities", cell.modality.name),
                "variant": _owner(_group(cell.variant), cell.variant.name),
            }
            | ({"sampler": _owner("samplers", cell.sampler.sampler.name)} if cell.sampler else {})
            | ({"solver": _owner("solvers", cell.solver.name)} if cell.solver else {}),
        }
        | ({"tuned": tuned.as_record()} if trained and (tuned := cell.tuned(plan)) else {})
        | (_elsewhere(cell) if is_foreign else {})
    )


def _spec(cell: Cell, plan: Plan) -> dict[str, Any]:
    """The settings of the run, with names in place of paths of this machine; ``tuned`` has a field of its own."""
    names = {"data": cell.data.name, "out": None, "profile": plan.profile.name.partition("@")[0]}
    spec = asdict(plan.spec) | names
    # a pattern of file names may hold a patient's, and what it chose is in the data key
    for private in ("tuned", "include", "exclude"):
        del spec[private]
    return spec


def _group(variant: object) -> str:
    """Of its entry point."""
    if isinstance(variant, Solver):
        return "solvers"
    return "models" if isinstance(variant, PretrainedModel | RestoredImages) else "variants"


def _elsewhere(cell: Cell) -> dict[str, Any]:
    """Provenance of a model that was trained elsewhere: what it is, and the images that it was trained on."""
    known = cell.judged.manifest.get(training_set.KNOWN, True)
    source = getattr(cell.variant, "source", {})
    return {"source": {"kind": "plugin", **source}, "trained_on": cell.judged.key if known else None}


def _training(trained: Path) -> dict[str, Any]:
    advice = f"delete {trained} to train it again"
    return schema.read(trained / "train.json", schema.Training, advice)


# what is installed is read from the metadata of every package: once for what this process has loaded
_owner = lru_cache(maxsize=256)(lookup.owner)
