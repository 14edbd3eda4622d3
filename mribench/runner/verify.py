"""Check that a record's numbers can be reproduced from the recorded data, checkpoint and seed."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from mribench import profiles, results
from mribench.data.globs import ALL_FILES, Globs
from mribench.errors import InputError
from mribench.features import Extractor
from mribench.metrics import subsets
from mribench.plugins import lookup
from mribench.results import Result
from mribench.runner import identity, outputs, record, recorded_data, runspec
from mribench.runner import parts as loading
from mribench.runner.cell import Cell
from mribench.runner.check_fields import check_fields
from mribench.runner.check_scores import GRAVITY, Answer, Check, check_scores
from mribench.runner.plan import Plan, spaces
from mribench.runner.stages import finite
from mribench.sampling import fitting
from mribench.sampling.offers import needed, wanted
from mribench.spec import FeatureSpace, Prepared, Profile, Task
from mribench.training import folder as training_folder
from mribench.trust.examine import examine_prepared

# what a record says and cannot be made again
NEVER_CHECKED = ("times, memory and machine", "versions of packages", "pictures")
TRAINING = "training (that data, seed and steps on record give this checkpoint)"


@dataclass(frozen=True)
class Verification:
    """A record beside what came out now."""

    result: Result
    images: str | None  # 'bit-equal' or what differs; None where nothing was generated again
    checks: tuple[Check, ...]  # of every score
    fields: tuple[Check, ...] = ()  # of other fields, those that are not equal
    not_checked: tuple[str, ...] = ()  # what cannot be made again here

    @property
    def answer(self) -> Answer:
        given = [check.answer for check in (*self.checks, *self.fields)]
        return max(given, key=GRAVITY.index, default="reproduced")


def find(path: Path) -> list[tuple[Path, Result]]:
    """(run folder, result) of a result file inside a run folder, or of every result of a run folder or kept board.

    Raises InputError where there is none.
    """
    if path.is_file() and path.suffix != ".zst":
        return [(path.resolve().parents[2], results.read(path))]
    folder = path if path.is_dir() else results.kept.board_of(path)
    return [(folder, result) for result in results.read_all([path])]


def verify(
    out: Path,
    result: Result,
    data: str | None = None,
    rescore: bool = False,
    beside: Sequence[Result] | None = None,
    globs: Globs = ALL_FILES,
) -> Verification:
    """Generate with the recorded seed and the kept checkpoint, score, and compare all that a rank uses.

    Args:
        out: the run folder, or the folder of a kept board.
        result: the record.
        data: where the images are, should the prepared ones be gone from ``out`` and the record name a local folder.
        rescore: take the kept outputs instead of generating. Then task, metrics and feature spaces are needed, and no
            plugin of the organ, variant or sampler. Images that somebody gave are never generated.
        beside: the other records of ``out``, where an audit is looked for; None reads them.
        globs: which files of ``data`` the run read. A record does not say: a pattern of names may hold a patient's.

    Raises:
        InputError: something that the record names (plugin, data, checkpoint, outputs) is gone or was changed.
    """
    given = result.provenance.get("source")
    rescore = rescore or (given is not None and given["kind"] != "plugin")
    parts = loading.load(result, stand_ins=rescore)
    cell, plan = _assembled(out, result, data, parts, rescore, globs)
    task = plan.tasks[0]
    if result.not_applicable:
        return _of_not_asked(out, result, cell, plan, parts.unknown, beside)
    made = outputs.again(out, result, cell, plan, rescore)
    metrics = {name: plan.metrics[name] for name in task.metrics}
    extract = _extractor(cell.data.key, tuple(plan.spaces.values()))
    scores = task.score(made.arrays, cell.data, plan.profile, metrics, extract, result.seed)
    now = replace(
        record.empty_result(cell, task, plan),
        scores=tuple(map(finite, scores)),
        spaces=_trust(cell.data, task, plan, extract),
        floor=_floor(cell.data, task, plan, extract),
        audit=task.judge(made.arrays, cell.judged, plan.profile, extract, result.seed)
        if task.judge
        else None,
    )
    differing = [
        *identity.checks(result, results.read_all([out]) if beside is None else beside),
        *made.checks,
        *check_fields(result, now, made.are_same, parts.unknown),
    ]
    checks = check_scores(result.scores, now.scores, made.are_same)
    not_checked = [*made.not_checked, *parts.unknown, *NEVER_CHECKED, *[TRAINING] * bool(cell.trained)]
    if result.edited is None:
        not_checked.append("the record's digest (an older mribench wrote none)")
    return Verification(result, made.images, tuple(checks), tuple(differing), tuple(not_checked))


def _of_not_asked(
    out: Path,
    result: Result,
    cell: Cell,
    plan: Plan,
    unknown: Sequence[str],
    beside: Sequence[Result] | None,
) -> Verification:
    """Of a record of a task that does not apply there is nothing to produce and to score."""
    now = record.empty_result(cell, plan.tasks[0], plan)
    differing = [
        *identity.checks(result, results.read_all([out]) if beside is None else beside),
        *check_fields(result, now, True, unknown),
    ]
    return Verification(result, None, (), tuple(differing), (*unknown, *NEVER_CHECKED))


def again(out: Path, result: Result, data: str | None = None) -> tuple[Cell, Plan]:
    """The cell and the plan that a record was made from, out of the record alone; raises as ``verify`` does."""
    return _assembled(out, result, data, loading.load(result))


def _assembled(
    out: Path,
    result: Result,
    data: str | None,
    parts: loading.Parts,
    rescore: bool = False,
    globs: Globs = ALL_FILES,
) -> tuple[Cell, Plan]:
    profile = profiles.from_record(result.provenance["profile"])
    task = loading.with_package(lambda: lookup.load("tasks", result.task), result)
    asked = result.provenance["spec"]
    features = tuple(asked.get("features", runspec.FEATURES))
    own = lookup.load_all("metrics", task.metrics)
    kinds = {metric.kind for metric in own.values()}
    # ``--metrics`` of the run, as far as this task reports such
    further = lookup.load_all("metrics", asked.get("metrics", ()))
    further = {name: metric for name, metric in further.items() if metric.kind in kinds}
    (task,), metrics = fitting.with_metrics([task], own, further, features)
    loaded = spaces((task,), metrics)
    trained = _checkpoint(out, result, profile, rescore)
    fields = wanted(task, parts.variant), needed(task, parts.variant)
    prepared = recorded_data.find(out, result, parts.modality, profile, data, globs, *fields)
    audited = recorded_data.audited(out, result, prepared, parts.modality)
    cell = Cell(parts.modality, prepared, parts.variant, result.seed, trained, parts.sampler, audited=audited)
    cell = replace(cell, solver=parts.solver)
    spec = runspec.RunSpec(modalities=(result.modality,), features=features, out=str(out))
    samplers = (parts.sampler,) if parts.sampler else ()
    plan = Plan(spec, profile, (parts.modality,), (parts.variant,), samplers, (task,), metrics, loaded, out)
    return cell, plan


@lru_cache(maxsize=2)
def _extractor(_data_key: str, spaces: tuple[FeatureSpace, ...]) -> Extractor:
    """Keeps features, floors and trust of one prepared set while its records are verified; nothing from disk."""
    return Extractor({space.name: space for space in spaces})


def _trust(data: Prepared, task: Task, plan: Plan, extract: Extractor) -> dict[str, dict[str, Any]]:
    used = {space for name in task.metrics for space in plan.metrics[name].features}

    def examined(name: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            return examine_prepared(plan.spaces[name], data, Path(folder))

    return {
        name: extract.once(f"trust {name}", lambda name=name: examined(name))
        for name in plan.spec.features
        if name in used
    }


def _floor(data: Prepared, task: Task, plan: Plan, extract: Extractor) -> dict[str, dict[str, Any]]:
    floor, profile = task.floor, plan.profile
    if floor is None:
        return {}
    pairs = [
        (plan.metrics[name], space)
        for name in task.metrics
        for space in subsets.spaces_of(plan.metrics[name])
    ]
    return {
        results.metric_label(metric.name, space): extract.once(
            f"floor {metric.name} {metric.version} {space} {profile.n_generated}",
            lambda metric=metric, space=space: floor(metric, space, data, profile, extract),
        )
        for metric, space in pairs
    }


def _checkpoint(out: Path, result: Result, profile: Profile, rescore: bool) -> Path | None:
    """Folder of the training that the record names, its weights proved by their sha256.

    To score kept outputs again no weights are needed, and those that are there are proved all the same.
    """
    name = result.provenance["checkpoint"]
    if name is None:
        return None
    weights = training_folder.checkpoint_files(out / "train" / name, profile.keep)
    if not weights:
        if rescore:
            return out / "train" / name
        raise InputError(f"no weights in {out}/train/{name}/{profile.keep}; bring the checkpoint back")
    if training_folder.checkpoint_sha256(weights) != result.provenance["checkpoint_sha256"]:
        raise InputError(
            f"{weights[0]} is not the checkpoint on record, its sha256 is another; bring it back"
        )
    return out / "train" / name
