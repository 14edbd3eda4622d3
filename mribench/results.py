"""One JSON record per cell and task: scores, what they may be compared with, and what made them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mribench import files, hashing
from mribench.errors import InputError
from mribench.spec import Expected, Score

SCHEMA = 1
# where the controls must land whose records are of before they said so
CONTROLS = {
    "noise": Expected("last", "nothing is further from an image than independent pixels"),
    "gaussian": Expected("behind real", "second-order statistics alone must not pass for real images"),
    "train-replay": Expected("like real", "it is made of real images", copies=True),
    "mode-collapse": Expected("behind real", "a few images repeated must not pass for the whole set"),
    "blur": Expected("behind real", "blurred images must not pass for real ones"),
}
# fields of a score that hold many numbers
LISTS = ("per_subject", "subsamples")


@dataclass(frozen=True)
class Result:
    """A record as read back; it explains itself without any plugin installed.

    comparability: flat fields; two results compare only where all of them are equal. metrics: title, unit,
    direction, kind and whether it is ``headline``, by name. figures: paths relative to the run folder. versions: of
    variant and sampler; one row never averages two. data: what the images are, their ``terms`` (licence,
    access, citation) and whether ``subjects_known``; the first records lack these two. floor: what real images
    score in a model's place, by ``called`` name (``mribench.metrics.floor``). audit: what a task with a verdict
    found, see ``mribench.audit.verdict``. spaces: of each feature space whether it may rank these images
    (``trusted``; None where that was not measured), and the ``reason`` why not (``mribench.trust``).
    """

    modality: str
    variant: str
    sampler: str | None
    seed: int
    task: str
    is_control: bool
    scores: tuple[Score, ...]
    comparability: Mapping[str, Any]
    data: Mapping[str, Any]
    provenance: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    reported: Mapping[str, Any] | None = None
    figures: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    spaces: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    floor: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    audit: Mapping[str, Any] | None = None
    primary: str | None = "kd"  # the metric by which the task ranks; None where it ranks nothing
    expected: Mapping[str, Any] | None = None  # where a control must land: the fields of ``spec.Expected``

    @property
    def name(self) -> str:
        """How the row is called: variant, and sampler where there is one."""
        return f"{self.variant} {self.sampler}" if self.sampler else self.variant

    @property
    def key(self) -> str:
        return hashing.json_hash(dict(self.comparability))


def path_of(out: Path, result: Result) -> Path:
    """results/<modality>/<variant>[_<sampler>]_s<seed>_<task>_<key>.json; another key never overwrites."""
    versions = "-".join(f"{what}-v{n}" for what, n in result.versions.items() if n > 1)
    row = "_".join(part for part in (result.variant, result.sampler, versions) if part)
    return out / "results" / result.modality / f"{row}_s{result.seed}_{result.task}_{result.key}.json"


def write(out: Path, result: Result) -> Path:
    path = path_of(out, result)
    scores = [
        asdict(score) | {name: _line(getattr(score, name)) for name in LISTS} for score in result.scores
    ]
    record = {"schema": SCHEMA, **asdict(result), "scores": scores, "comparability_key": result.key}
    files.write_json(path, record)
    return path


def _line(values: Iterable[float]) -> str:
    """Numbers as one line of text: a list would take one line each, and thousands of them in a record."""
    return " ".join(map(repr, values))


def read(path: Path) -> Result:
    """Raises InputError where the file is not a result of this schema."""
    try:
        record = files.read_json(path)
        schema = record.pop("schema")
        if schema == SCHEMA:
            return _checked(record)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise InputError(f"{path} is not a mribench result ({cause}); delete or move it") from error
    raise InputError(
        f"{path} has result schema {schema}, expected {SCHEMA}; run the cell again with this mribench"
    )


def _checked(record: dict[str, Any]) -> Result:
    """Raises ValueError or TypeError where the record was damaged or edited by hand."""
    key = record.pop("comparability_key")
    record["scores"] = tuple(map(_score, record["scores"]))
    if "expected" not in record and record["is_control"] and record["variant"] in CONTROLS:
        record["expected"] = asdict(CONTROLS[record["variant"]])
    result = Result(**record)
    if result.expected is not None:
        Expected(**result.expected)
    if result.key != key:
        raise ValueError("its comparability fields were changed")
    for score in result.scores:
        numbers = (score.value, score.low, score.high, *score.per_subject, *score.subsamples)
        if not all(x is None or (isinstance(x, int | float) and math.isfinite(x)) for x in numbers):
            raise ValueError(f"the score {score.metric} is not a finite number")
    return result


def _score(record: Mapping[str, Any]) -> Score:
    lists = {name: tuple(map(float, record.get(name, "").split())) for name in LISTS}
    return Score(**{**record, **lists})


def read_all(folders: Iterable[Path]) -> list[Result]:
    """Every result below the folders, in a fixed order; one that stands in several folders counts once.

    Raises InputError where a folder holds none, or where two hold different scores of one cell and task.
    """
    found: dict[tuple[Any, ...], tuple[Path, Result]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"no folder {folder}; give the --out folder of a run")
        # a killed writer leaves a temporary file, whose name begins with a dot
        paths = sorted(p for p in (folder / "results").rglob("*.json") if not p.name.startswith("."))
        if not paths:
            raise InputError(f"no results in {folder}; expected {folder}/results/<modality>/*.json of a run")
        for path in paths:
            result = read(path)
            other, known = found.setdefault(order(result), (path, result))
            if known.scores != result.scores:
                raise InputError(
                    f"{other} and {path} give different scores of one cell; leave one of them out"
                )
    return [found[key][1] for key in sorted(found)]


def order(result: Result) -> tuple[Any, ...]:
    """What tells a result from every other, and sorts them."""
    versions = tuple(sorted((what, n) for what, n in result.versions.items() if n > 1))
    return result.modality, result.task, result.key, result.is_control, result.name, versions, result.seed


def called(metric: str, space: str | None) -> str:
    """'psnr', 'kd[hc85-v1]', and 'fid', a word reserved for Inception features."""
    if space is None or (metric == "fid" and space == "inception"):
        return metric
    return f"{'fd' if metric == 'fid' else metric}[{space}]"
