"""Check that a record's numbers can be reproduced from the recorded data, checkpoint and seed."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mribench import data as datasets
from mribench import hashing, results
from mribench.board.group import conflicts
from mribench.data.store import dataset
from mribench.errors import InputError
from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.results import Result
from mribench.runner import record, runspec
from mribench.runner.cell import Cell
from mribench.runner.runspec import Plan
from mribench.runner.stages import read_outputs
from mribench.sampling import samplers
from mribench.spec import Modality, Network, Prepared, Profile, Score

# float64 sums in another order, as other libraries and thread counts give them
RELATIVE, ABSOLUTE = 1e-6, 1e-9

Answer = Literal["reproduced", "within interval", "not reproduced", "was blank"]
GRAVITY: tuple[Answer, ...] = ("was blank", "reproduced", "within interval", "not reproduced")


@dataclass(frozen=True)
class Check:
    """One score: as recorded, as it came out now, and the answer."""

    recorded: Score
    now: Score
    answer: Answer


@dataclass(frozen=True)
class Verification:
    """images: 'bit-equal' or what differs, None where nothing was generated again. notes: what has changed since the
    record was made. verdict: of an audit, None for other tasks."""

    result: Result
    images: str | None
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    verdict: str | None = None

    @property
    def answer(self) -> Answer:
        if self.result.audit and self.verdict != self.result.audit["verdict"]:
            return "not reproduced"
        return max((check.answer for check in self.checks), key=GRAVITY.index, default="reproduced")


def find(path: Path) -> list[tuple[Path, Result]]:
    """(run folder, result) of a result file inside a run folder, or of every result of a run folder or kept board.

    Raises InputError where there is none.
    """
    if path.is_file() and path.suffix != ".zst":
        return [(path.resolve().parents[2], results.read(path))]
    folder = path if path.is_dir() else path.parent
    return [(folder, result) for result in results.read_all([path])]


def verify(out: Path, result: Result, data: str | None = None, rescore: bool = False) -> Verification:
    """Generate with the recorded seed and the kept checkpoint, score, compare.

    data: where the images are, should the prepared ones be gone from ``out`` and the record name a local folder.
    rescore: take the kept outputs instead of generating. Raises InputError where something that the record names
    (plugin, data, checkpoint, outputs) is gone or was changed.
    """
    cell, plan = again(out, result, data)
    task = plan.tasks[0]
    kept = read_outputs(out / "outputs" / result.provenance["outputs"])
    if rescore:
        if kept is None:
            raise InputError(
                f"the outputs of {result.name} are not in {out}/outputs; verify without rescoring"
            )
        outputs, images = kept, None
    else:
        outputs = task.produce(cell.model(plan, "verify"), cell.data, plan.profile, result.seed)
        images = _same(kept, outputs)
    outputs = {**_read_beside(out, result, cell, plan, rescore), **outputs}
    metrics = {name: plan.metrics[name] for name in task.metrics}
    extract = Extractor(plan.spaces)
    scores = task.score(outputs, cell.data, plan.profile, metrics, extract, result.seed)
    judged = task.judge(outputs, cell.data, plan.profile, extract, result.seed) if task.judge else {}
    now = {(s.metric, s.space, s.level): s for s in scores}
    checks = [_check(s, now.get((s.metric, s.space, s.level))) for s in result.scores]
    changed = conflicts(result.comparability, record.empty_result(cell, task, plan).comparability)
    notes = [f"{name}: {then} on record, {here} here" for name, (then, here) in changed.items()]
    return Verification(result, images, tuple(checks), tuple(notes), judged.get("verdict"))


def again(out: Path, result: Result, data: str | None = None) -> tuple[Cell, Plan]:
    """The cell and the plan that a record was made from, out of the record alone; raises as ``verify`` does."""
    profile = _profile(result.provenance["profile"])
    with _made_with(result):
        modality = lookup.load("modalities", result.modality)
        variant, task = lookup.load("variants", result.variant), lookup.load("tasks", result.task)
        sampler = samplers.resolve(result.sampler) if result.sampler else None
    features = tuple(result.provenance["spec"].get("features", runspec.FEATURES))
    metrics = runspec.load_metrics(task.metrics, features)
    needed = [space for part in (task, *metrics.values()) for space in part.features]
    spaces = lookup.load_all("features", needed)
    trained = _checkpoint(out, result, profile)
    prepared = _data(out, result, modality, profile, data)
    cell = Cell(modality, prepared, variant, result.seed, trained, sampler)
    spec = runspec.RunSpec(modalities=(result.modality,), features=features, out=str(out))
    asked = (sampler,) if sampler else ()
    return cell, Plan(spec, profile, (modality,), (variant,), asked, (task,), metrics, spaces, out)


@contextmanager
def _made_with(result: Result) -> Iterator[None]:
    """Of a plugin that is missing or broken here, the record knows the package."""
    try:
        yield
    except InputError as error:
        packages = ", ".join(sorted(set(result.provenance.get("plugins", {}).values())))
        raise InputError(
            f"{error}; the record was made with {packages}" if packages else str(error)
        ) from error


def _profile(recorded: Mapping[str, Any]) -> Profile:
    """The profile as recorded. Raises InputError where this mribench has other settings."""

    def made(kind: type, values: Mapping[str, Any]) -> Any:
        unknown = sorted(set(values) - {field.name for field in fields(kind)})
        if unknown:
            raise InputError(
                f"the record has a setting {unknown[0]!r} that this mribench does not know; use the version on record"
            )
        return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})

    try:
        return made(Profile, {**recorded, "network": made(Network, recorded["network"])})
    except (TypeError, KeyError) as error:
        raise InputError(
            f"the record lacks settings of this mribench ({error}); use the version on record"
        ) from error


def _data(out: Path, result: Result, modality: Modality, profile: Profile, data: str | None) -> Prepared:
    """The prepared data of the recorded content hash: found in the run folder, or prepared again."""
    wanted = result.provenance["data_key"]
    for manifest in sorted((out / "data").glob("*/manifest.json")):
        if dataset.read_manifest(manifest.parent)["key"] == wanted:
            return datasets.load(manifest.parent, modality)
    name = data or result.comparability["data"]
    # a record may come from anybody: it names no folder of this machine
    is_path = name != "phantom" and (os.sep in name or Path(name).exists())
    if data is None and (name.startswith("local:") or is_path):
        raise InputError(
            f"the prepared images of {name} are not in {out}/data; give their source with --data"
        )
    prepared = _prepared(modality, name, profile)
    if prepared.key != wanted:
        raise InputError(
            f"{name} gives images with key {prepared.key[:12]}, the record is of {wanted[:12]}; give the data on record"
        )
    return prepared


@lru_cache(maxsize=1)
def _prepared(modality: Modality, name: str, profile: Profile) -> Prepared:
    """Prepared where it leaves nothing behind: a published board holds no images."""
    with tempfile.TemporaryDirectory() as folder:
        return datasets.prepare_data(modality, name, profile, Path(folder))


def _checkpoint(out: Path, result: Result, profile: Profile) -> Path | None:
    """Folder of the training that the record names, its weights proved by their sha256."""
    name = result.provenance["checkpoint"]
    if name is None:
        return None
    weights = next((out / "train" / name / profile.keep / "unet").glob("*.safetensors"), None)
    if weights is None:
        raise InputError(f"no weights in {out}/train/{name}/{profile.keep}; bring the checkpoint back")
    if hashing.file_sha256(weights) != result.provenance["checkpoint_sha256"]:
        raise InputError(f"{weights} is not the checkpoint on record, its sha256 is another; bring it back")
    return out / "train" / name


def _read_beside(out: Path, result: Result, cell: Cell, plan: Plan, rescore: bool) -> dict[str, np.ndarray]:
    """Outputs of another task that a task scores beside its own, generated again where the kept ones are gone.

    They are verified with their own record. A published model comes without them.
    """
    name, other = result.provenance.get("reads"), plan.tasks[0].reads
    if name is None or other is None:
        return {}
    kept = read_outputs(out / "outputs" / name)
    if kept is not None:
        return kept
    if rescore:
        raise InputError(
            f"no outputs in {out}/outputs/{name}, which {result.task} reads; verify without rescoring"
        )
    produce = lookup.load("tasks", other).produce
    return produce(cell.model(plan, "verify"), cell.data, plan.profile, result.seed)


def _same(kept: Mapping[str, np.ndarray] | None, now: Mapping[str, np.ndarray]) -> str:
    """Are the outputs the kept ones to the bit, and if not, how many images differ by how much?"""
    if kept is None:
        return "not compared, no outputs are here (a published model brings none)"
    if kept.keys() != now.keys() or any(kept[name].shape != now[name].shape for name in now):
        return "other outputs than those kept"
    gaps = [np.abs(kept[n].astype(np.float64) - now[n]).reshape(len(now[n]), -1) for n in sorted(now)]
    other = sum(int(gap.any(1).sum()) for gap in gaps)
    if not other:
        return "bit-equal"
    largest = max(float(gap.max(initial=0)) for gap in gaps)
    return f"{other} of {sum(map(len, gaps))} images differ, by {largest:g} grey levels at most"


def _check(recorded: Score, now: Score | None) -> Check:
    if now is None:
        now = Score(recorded.metric, None, 0, 0, reason="the task no longer reports it")
    if recorded.value is None:
        return Check(recorded, now, "reproduced" if now.value is None else "was blank")
    if now.value is None:
        return Check(recorded, now, "not reproduced")
    if math.isclose(recorded.value, now.value, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
        return Check(recorded, now, "reproduced")
    bounded = recorded.low is not None and recorded.high is not None
    inside = bounded and recorded.low <= now.value <= recorded.high
    return Check(recorded, now, "within interval" if inside else "not reproduced")
