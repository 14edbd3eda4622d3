"""One record: scores, what they may be compared with, and what made them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any

from mribench import hashing
from mribench.results import digest, schema
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
# what tasks were called before 0.1.0; their numbers are the same
RENAMED_TASKS = {"reconstruction": "denoising"}
# fields of a score that hold many numbers
LISTS = ("per_subject", "subsamples")


@dataclass(frozen=True, repr=False)
class Result:
    """A record as read back; it explains itself without any plugin installed.

    Nested mappings may be shared by the results of one file: replace them, never change them.
    """

    modality: str
    variant: str
    sampler: str | None
    seed: int
    task: str
    is_control: bool
    scores: tuple[Score, ...]
    # flat fields; two results compare only where all of them are equal
    comparability: Mapping[str, Any]
    # of the images: sizes, `terms` (licence, access, citation) and `subjects_known`; the first records lack these two
    data: Mapping[str, Any]
    provenance: Mapping[str, Any]
    # title, unit, direction, kind and whether it is `headline`, by name
    metrics: Mapping[str, Mapping[str, Any]]
    reported: Mapping[str, Any] | None = None
    # paths relative to the run folder, by kind of picture
    figures: Mapping[str, str] = field(default_factory=dict)
    # of variant and sampler; one row never averages two
    versions: Mapping[str, int] = field(default_factory=dict)
    # of each feature space: may it rank these images (`trusted`, None: not measured), and the `reason` why not
    spaces: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # the scores of real images in a model's place, by metric_label (mribench.metrics.floor)
    floor: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # what a task with a verdict found (mribench.audit.verdict)
    audit: Mapping[str, Any] | None = None
    primary: str | None = "kd"  # the metric by which the task ranks; None where it ranks nothing
    expected: Mapping[str, Any] | None = None  # where a control must land: the fields of ``spec.Expected``
    level_name: str = "ᾱ"  # what the level of a score is a number of
    not_applicable: str | None = None  # why the task was not asked of the variant; there are then no scores
    # of a task that poses a problem, what answers rest on beside the measurement: ``Solver.answers_by``
    answers_by: str | None = None
    # of a task, what a publication found: the fields of ``spec.ReportedTable``
    reported_table: Mapping[str, Any] | None = None
    # its file does not match its digest (mribench.results.digest); None: there is no digest, an older version wrote it
    edited: bool | None = field(default=False, compare=False)

    def __repr__(self) -> str:
        """One line: what it is of, and its headline numbers."""
        of = f"{self.modality} {self.name}, seed {self.seed}, {self.task}"
        said = [str((self.audit or {}).get("verdict", ""))] if self.audit else []
        said += [self.not_applicable] if self.not_applicable else []
        shown = [s for s in self.scores if self.metrics.get(s.metric, {}).get("headline", True)]
        return f"<Result {of}: {', '.join([*said, *map(_told, shown)]) or 'no scores'}>"

    @property
    def name(self) -> str:
        """How the row is called: variant, and sampler where there is one."""
        return f"{self.variant} {self.sampler}" if self.sampler else self.variant

    @property
    def organs(self) -> tuple[str, ...]:
        """All organs that its training was shared among; none, of a training for this organ alone."""
        conditions = (self.provenance.get("training") or {}).get("conditions") or {}
        return tuple((conditions.get("modality") or {}).get("labels") or ())

    @property
    def key(self) -> str:
        return hashing.json_hash(dict(self.comparability))


def to_json(result: Result) -> dict[str, Any]:
    """The record as a JSON-serialisable mapping. Raises ValueError where it holds a number that JSON has not."""
    scores = [
        asdict(score) | {name: _line(getattr(score, name)) for name in LISTS} for score in result.scores
    ]
    content = {"schema": SCHEMA, **asdict(result), "scores": scores, "comparability_key": result.key}
    for name in ("not_applicable", "answers_by", "reported_table"):
        if content[name] is None:
            # records of before the field was there stay as they are
            del content[name]
    return digest.sealed(content, content.pop("edited"))


def from_json(record: Mapping[str, Any]) -> Result:
    """The one door for every record that is read, whichever file it comes from.

    What ``schema`` does not know, such as a field of a later version, is kept within a field and left out at the top.
    Raises ValueError, which names the field, what was found and what was expected.
    """
    schema.check(record, schema.Record)
    # the key is of the fields as they were written, before they are brought up to date
    if record["comparability_key"] != hashing.json_hash(record["comparability"]):
        raise ValueError(
            "its comparability fields were changed, expected those that comparability_key is made from"
        )
    edited = digest.is_edited(record)
    # what the digest says of the record is never read from the record
    record = _upgrade(_known(Result, record)) | {"edited": edited}
    if record.get("expected") is not None:
        record["expected"] = _known(Expected, record["expected"])
    record["scores"] = tuple(_score(score, f"scores[{i}]") for i, score in enumerate(record["scores"]))
    return Result(**record)


def _known(kind: type, record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that this version knows, as a new mapping."""
    return {name: record[name] for name in _names(kind) if name in record}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def _upgrade(record: dict[str, Any]) -> dict[str, Any]:
    """A record of an earlier version in today's words: renamed values, and defaults of fields that it lacks.

    Returns a new mapping; nested ones may be shared with other records and are replaced, never changed.
    """
    if "expected" not in record and record["is_control"] and record["variant"] in CONTROLS:
        record = {**record, "expected": asdict(CONTROLS[record["variant"]])}
    if record["task"] in RENAMED_TASKS:
        record = _with_task(record, RENAMED_TASKS[record["task"]])
    return record


def _with_task(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A record under another name of its task, also in the field that boards compare: 'denoising v2'."""
    fields = record["comparability"]
    task = str(fields.get("task", "")).replace(record["task"], name, 1)
    return {**record, "task": name, "comparability": {**fields, "task": task}}


def earlier_names(result: Result) -> list[Result]:
    """The result as an earlier version would have named it: its file makes way for the new one."""
    return [
        replace(result, **{key: renamed[key] for key in ("task", "comparability")})
        for old, new in RENAMED_TASKS.items()
        if new == result.task
        for renamed in [_with_task({"task": result.task, "comparability": result.comparability}, old)]
    ]


def sort_key(result: Result) -> tuple[Any, ...]:
    """Unique to a result among all others; sorts them."""
    versions = tuple(sorted((part, n) for part, n in result.versions.items() if n > 1))
    return result.modality, result.task, result.key, result.is_control, result.name, versions, result.seed


def metric_label(metric: str, space: str | None) -> str:
    """'psnr', 'kd[hc85-v1]', and 'fid', a word reserved for Inception features."""
    if space is None or (metric == "fid" and space == "inception"):
        return metric
    return f"{'fd' if metric == 'fid' else metric}[{space}]"


def _told(score: Score) -> str:
    """'kd[hc85-v1] 12.3'."""
    level = "" if score.level is None else f" at {score.level:.3g}"
    value = "blank" if score.value is None else f"{score.value:.4g}"
    return f"{metric_label(score.metric, score.space)}{level} {value}"


def _line(values: Iterable[float]) -> str:
    """Numbers as one line of text: a list would take one line each, and thousands of them in a record."""
    numbers = list(values)
    if not all(map(math.isfinite, numbers)):
        raise ValueError("Out of range: a list of a score holds a number that is not finite")
    return " ".join(map(repr, numbers))


def _score(record: Mapping[str, Any], field: str) -> Score:
    lists = {name: schema.numbers(record.get(name, ""), f"{field}.{name}") for name in LISTS}
    return Score(**{**_known(Score, record), **lists})
