"""What records and manifests must look like. Whatever is read from a file passes ``check`` once; no code after it asks.

The classes name the fields that some code reads, and msgspec compares a mapping with them. Other fields, such as those
of a later version, stay as they are. A default is that of records which lack the field.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from mribench.errors import InputError

# a variance of scores, and its square, stay finite
LARGEST = 1e30
# what is nested more deeply cannot be copied or printed by all that does so
DEEPEST = 16
TOO_DEEP = f"it is nested too deeply, expected at most {DEEPEST} levels"

Number = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
Positive = Annotated[float, Meta(ge=0, le=LARGEST)]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Seed = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Side = Annotated[int, Meta(ge=1, le=1 << 16)]  # of an image, in pixels
Text = Annotated[str, Meta(max_length=20_000)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
# what becomes part of a path is a name: no separator, no dot in front; brackets, for what was redacted is "[removed]"
Name = Annotated[str, Meta(pattern=r"\A[\w\[][\w.+@\[\]-]{0,199}\Z")]
# a file below the folder of the record
Inside = Annotated[str, Meta(pattern=r"\A[\w\[][\w.+@\[\]-]{0,249}(/[\w\[][\w.+@\[\]-]{0,249}){0,9}\Z")]
Digits = Annotated[str, Meta(max_length=1 << 24)]  # many numbers with spaces between them
Direction = Literal["up", "down", "zero"]
Place = Literal["last", "behind real", "like real"]
Access = Literal["open", "registration", "agreement"]
CHOICES = {"direction": Direction, "place": Place, "access": Access}


class Interval(Struct, gc=False):
    low: Number | None = None
    high: Number | None = None

    def __post_init__(self) -> None:
        _check_bounds("low", self.low, "high", self.high)


class Score(Interval, gc=False, kw_only=True):
    metric: Word
    value: Number | None
    n: Count
    subjects: Count
    n_reference: Count | None = None
    space: Word | None = None
    level: Number | None = None
    reason: Text | None = None
    per_subject: Digits = ""
    subsamples: Digits = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.subjects and (self.per_subject or self.subsamples):
            raise ValueError("subjects is 0, expected as many as there are values of single subjects")


class Metric(Struct, gc=False):
    title: Text
    unit: Text
    direction: Direction
    headline: bool = True
    kind: Text | None = None
    paper: Text | None = None


class Comparability(Struct, gc=False):
    data: Word
    data_kind: Word
    data_key: Word
    split: Word
    resolution: Side
    profile: Word
    budget: Word
    task: Word
    precision: Word | None = None


class BySplit(Struct, gc=False):
    train: Count
    validation: Count
    test: Count


class Term(Struct, gc=False):
    data: Text
    title: Text
    licence: Text
    redistributable: bool | None
    derived: bool | None
    commercial: bool | None
    attribution: bool | None
    share_alike: bool | None
    access: Access | None
    homepage: Text
    citation: Text


class Data(Struct, gc=False):
    title: Text
    contrast: Text
    is_mri: bool
    images: BySplit
    subjects: BySplit
    subjects_known: bool = True
    adjusted: bool = False
    near_duplicates_across_splits: Count | None = None
    terms: list[Term] | None = None


class Machine(Struct, gc=False):
    device: Text
    threads: Count | None


class Environment(Struct, gc=False, kw_only=True):
    machine: Machine | None = None
    versions: dict[str, Text | None] | None = None
    git_commit: Text | None = None

    def __post_init__(self) -> None:
        for name in ("mribench", "torch", "diffusers"):
            if self.machine and self.versions and name not in self.versions:
                raise ValueError(f"versions lacks {name}, expected the version of each package")


class Training(Struct, gc=False, kw_only=True):
    """Also ``train.json``."""

    steps: Count = 0
    images_seen: Count = 0
    seconds: Positive = 0
    parameters: Count | None = None
    prediction: Text | None = None
    precision: Text | None = None
    made_with: Environment | None = None


class Produced(Struct, gc=False, kw_only=True):
    """Also ``made.json``."""

    nfe: list[Count] | None = None
    seconds: Positive | None = None
    seconds_scoring: Positive | None = None
    gflops_per_evaluation: Positive | None = None
    made_with: Environment | None = None


class Profile(Struct, gc=False, kw_only=True):
    batch_size: Count
    prediction: Text
    keep: Name
    name: Text | None = None
    optimizer: Text | None = None
    precision: Text | None = None
    lr: Number | None = None
    ema_decay: Number | None = None


class Spec(Struct, gc=False, kw_only=True):
    profile: Text
    features: list[Text] = []
    train_steps: Count | None = None
    precision: Text | None = None


class Provenance(Environment, gc=False, kw_only=True):
    training: Training | None = None
    produced: Produced | None = None
    profile: Profile | None = None
    spec: Spec | None = None
    plugins: dict[str, Text] = {}
    checkpoint: Name | None = None
    outputs: Name | None = None
    reads: Name | None = None
    data_key: Text | None = None
    checkpoint_sha256: Text | None = None
    outputs_sha256: Text | None = None
    reads_sha256: Text | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        about = self.profile
        if self.checkpoint and not (self.training and self.spec and about and about.name and about.optimizer):
            raise ValueError("checkpoint is given without training, profile and spec, expected what made it")
        if self.checkpoint and about and about.lr is None:
            raise ValueError("profile.lr is missing, expected the learning rate of the checkpoint")


class Floor(Struct, gc=False, kw_only=True):
    train_test: Number | None = None
    train_low: Number | None = None
    train_high: Number | None = None
    half_mean: Number | None = None
    half_low: Number | None = None
    half_high: Number | None = None
    n: Count
    n_reference: Count
    n_half: Count | None = None
    subsamples: Digits = ""

    def __post_init__(self) -> None:
        _check_bounds("train_low", self.train_low, "train_high", self.train_high)
        _check_bounds("half_low", self.half_low, "half_high", self.half_high)
        if self.half_mean is not None and self.n_half is None:
            raise ValueError("n_half is missing, expected the images of a half")
        _known_numbers(self.subsamples, "subsamples")


class Space(Struct, gc=False):
    trusted: bool | None = None
    reason: Text | None = None


class Membership(Interval, gc=False, kw_only=True):
    auroc: Number | None = None


class Gap(Struct, gc=False):
    p: Number | None = None


class Findings(Struct, gc=False):
    largest_r: Number | None = None
    largest_r_held_out: Number | None = None
    membership: Membership | None = None
    gap: Gap | None = None


class Audit(Interval, gc=False, kw_only=True):
    verdict: Word
    n: Count | None = None
    copy_rate: Number | None = None
    false_alarm_high: Number | None = None
    reasons: list[Text] | None = None
    findings: Findings | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        interval = self.copy_rate is not None and self.low is not None
        if interval and (self.n is None or self.false_alarm_high is None):
            raise ValueError("n or false_alarm_high is missing, expected them beside copy_rate")


class Expected(Struct, gc=False):
    place: Place
    because: Text
    copies: bool = False


class Reported(Struct, gc=False):
    source: Text
    psnr: Number
    ssim: Number
    mse: Number
    mae: Number
    fid: Number


class Record(Struct, gc=False):
    """One JSON file of ``results/``, or one record of a kept board."""

    comparability_key: Word
    modality: Name
    variant: Name
    sampler: Name | None
    seed: Seed
    task: Name
    is_control: bool
    scores: list[Score]
    comparability: Comparability
    data: Data
    provenance: Provenance
    metrics: dict[Word, Metric]
    reported: Reported | None = None
    figures: dict[Name, Inside] = {}
    versions: dict[Name, Annotated[int, Meta(ge=0, le=1 << 31)]] = {}
    spaces: dict[str, Space] = {}
    floor: dict[str, Floor] = {}
    audit: Audit | None = None
    primary: Word | None = "kd"
    expected: Expected | None = None
    level_name: Word = "ᾱ"

    def __post_init__(self) -> None:
        known = set()
        for i, score in enumerate(self.scores):
            if score.metric not in self.metrics:
                raise ValueError(
                    f"scores[{i}].metric is {score.metric!r}, expected one that metrics describes"
                )
            known.add((score.metric, score.space, score.level))
        if len(known) < len(self.scores):
            raise ValueError("scores holds a metric, space and level twice, expected each once")


class Manifest(Struct, gc=False):
    """``manifest.json`` of a prepared set."""

    key: Word
    name: Word
    kind: Word
    size: Side
    files: dict[str, Word]
    terms: list[Term] | None = None
    subjects_known: bool = True
    adjusted: bool = False
    is_mri: bool = True
    near_duplicates_across_splits: Count | None = None


class Shared(Struct, gc=False):
    """``mribench.json`` of a published model."""

    schema: int
    checkpoint: Word
    keep: Word
    files: dict[str, Word]


class Contents(Struct, gc=False):
    """``pack.json`` of a packed file."""

    schema: int
    files: dict[str, Word]


def check(value: Any, kind: type[Struct]) -> None:
    """Raises ValueError in one line: the field, what was found there, what was expected."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(_sentence(error, value, kind)) from error


def read(path: Path, kind: type[Struct], advice: str) -> dict[str, Any]:
    """The JSON object of a file. Raises InputError, which names file and field and ends with ``advice``."""
    try:
        value: dict[str, Any] = decode(path.read_bytes())
        check(value, kind)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: {error}; {advice}") from error
    return value


def decode(content: bytes | str) -> Any:
    """JSON. Raises ValueError where it is none, holds NaN or Infinity, or is nested more than ``DEEPEST`` levels."""
    try:
        value = msgspec.json.decode(content)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # the standard library reads on, so that the field can be named
        for field, part in _leaves(json.loads(content), "it"):
            if isinstance(part, float) and not math.isfinite(part):
                raise ValueError(f"{field} is {part}, expected a finite number") from error
        raise
    _check_depth([value], DEEPEST)
    return value


def _check_depth(value: dict[str, Any] | list[Any], left: int) -> None:
    if left < 0:
        raise ValueError(TOO_DEEP)
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            _check_depth(part, left - 1)


def _leaves(value: Any, field: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{field}.{key}".removeprefix("it."))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from _leaves(part, f"{field}[{i}]")
    else:
        yield field, value


def numbers(text: str, field: str) -> tuple[float, ...]:
    """Numbers with spaces between them. Raises ValueError where one is none, or too large."""
    try:
        found = tuple(map(float, text.split()))
    except ValueError:
        found = (float("nan"),)
    # also False where one of them is NaN
    if not sum(map(abs, found)) <= LARGEST:
        raise ValueError(f"{field} is {_short(text)}, expected finite numbers with spaces between them")
    return found


# many records of a board share their floors
_known_numbers = lru_cache(maxsize=256)(numbers)


def _check_bounds(low_name: str, low: float | None, high_name: str, high: float | None) -> None:
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        raise ValueError(f"{low_name} is {low} and {high_name} is {high}, expected low <= high, or neither")


def _sentence(error: msgspec.ValidationError, value: Any, kind: Any) -> str:
    """'scores[0].n is -4, expected int >= 0' out of msgspec's 'Expected `int` >= 0 - at `$.scores[0].n`'."""
    text, _, where = str(error).partition(" - at `")
    steps = list(_steps(where.rpartition("$")[2].rstrip("`"), value, kind))
    field = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).removeprefix(".") or "it"
    found = _at(value, steps)
    if where.startswith("key`"):
        field, found = f"a key of {field}", sorted(map(str, found), key=len)[-1]
    if lacking := re.search(r"missing required field `(.*)`", text):
        return f"{field}.{lacking[1]} is missing".removeprefix("it.")
    if text.startswith("Invalid enum value"):
        text = f"Expected one of {', '.join(get_args(CHOICES[str(steps[-1])]))}"
    if not text.startswith("Expected"):
        return text if field == "it" else f"{field}: {text}"
    expected = re.sub(r"`str` matching regex .*", "a plain name", text.removeprefix("Expected "))
    return f"{field} is {_short(found)}, expected {expected.partition(', got ')[0].replace('`', '')}"


def _steps(path: str, value: Any, kind: Any) -> Iterator[str | int]:
    """The keys and indices of a path as msgspec writes it, '.floor[...].n'; it leaves out the keys of mappings."""
    done: list[str | int] = []
    for name, index in re.findall(r"\.(\w+)|\[(\d+|\.\.\.)\]", path):
        step = name or index
        if index.isdecimal():
            step = int(index)
        elif index:
            items = _at(value, done).items()
            step = next(k for k, v in items if not _passes(_replaced(value, done, {k: v}), kind))
        done.append(step)
        yield step


def _at(value: Any, steps: list[str | int]) -> Any:
    for step in steps:
        value = value[step]
    return value


def _replaced(value: Any, steps: list[str | int], new: Any) -> Any:
    """A copy with ``new`` at a path."""
    if not steps:
        return new
    first, *rest = steps
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    made = {k: _replaced(v, rest, new) if k == first else v for k, v in items}
    return made if isinstance(value, Mapping) else list(made.values())


def _passes(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
