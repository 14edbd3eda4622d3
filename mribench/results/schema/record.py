"""A record: one JSON file of ``results/``, or one record of a kept board."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from mribench.results.schema.provenance import Provenance
from mribench.results.schema.values import (
    Count,
    Digits,
    Direction,
    Inside,
    Interval,
    Name,
    Number,
    Place,
    Seed,
    Side,
    Term,
    Text,
    Word,
    check_bounds,
    known_numbers,
)


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
    range: tuple[Number | None, Number | None] | None = None

    def __post_init__(self) -> None:
        low, high = self.range or (None, None)
        if low is not None and high is not None and low > high:
            raise ValueError(f"range is {low} to {high}, expected the smaller number first")


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
        check_bounds("train_low", self.train_low, "train_high", self.train_high)
        check_bounds("half_low", self.half_low, "half_high", self.half_high)
        if self.half_mean is not None and self.n_half is None:
            raise ValueError("n_half is missing, expected the images of a half")
        known_numbers(self.subsamples, "subsamples")


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
    least_share: Number | None = None
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


class ReportedTable(Struct, gc=False):
    title: Text
    source: Text
    note: Text
    columns: list[Text]
    rows: list[list[Text]]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"rows holds a row that has not the {len(self.columns)} columns of columns")


class Record(Struct, gc=False):
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
    not_applicable: Text | None = None
    answers_by: Word | None = None
    reported_table: ReportedTable | None = None

    def __post_init__(self) -> None:
        if self.not_applicable is not None and self.scores:
            raise ValueError("scores holds scores of a task that is not applicable, expected none")
        known = set()
        for i, score in enumerate(self.scores):
            if score.metric not in self.metrics:
                raise ValueError(
                    f"scores[{i}].metric is {score.metric!r}, expected one that metrics describes"
                )
            known.add((score.metric, score.space, score.level))
        if len(known) < len(self.scores):
            raise ValueError("scores holds a metric, space and level twice, expected each once")
