"""From results to boards. A board holds only results whose comparability fields are equal; a difference is
named.

This file decides what stands together and aggregates seeds; ``page``, ``export`` and ``screen`` show it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import mean, stdev
from typing import Any

from mribench.metrics.significance import student_quantile
from mribench.results import Result, called, order
from mribench.spec import Score

Address = tuple[str, str | None, float | None]  # metric, feature space, level
PRIMARY: Address = ("kd", "hc85-v1", None)
# fields that belong to one task; the others are of the data and the budget, and hold for every task
OF_TASK = {"task", "metrics", "feature_spaces", "n_generated", "n_reference", "uncertainty"}


# verdicts of the memorisation audit, from what is not known to what is certain
CANNOT_SAY, NOT_DETECTED, SUSPECT, MEMORISES = "cannot say", "not detected", "suspect", "MEMORISES"


@dataclass(frozen=True)
class Entry:
    """One number of one row, aggregated over seeds.

    value: mean over seeds; spread: their standard deviation, None for one seed; low, high: 95 % interval
    over test subjects and training seeds together (``between_seeds``), of one seed over test subjects alone;
    within_low, within_high: over test subjects alone, averaged over seeds; n, n_reference, subjects: per seed.
    reason: why value is None.
    """

    value: float | None
    spread: float | None
    low: float | None
    high: float | None
    seeds: tuple[int, ...]
    n: int
    n_reference: int | None
    subjects: int
    reason: str | None = None
    within_low: float | None = None
    within_high: float | None = None


@dataclass(frozen=True)
class Row:
    """One variant with one sampler, each in one version. versions: the variant's and the sampler's."""

    variant: str
    sampler: str | None
    is_control: bool
    entries: Mapping[Address, Entry]
    results: tuple[Result, ...]
    versions: tuple[int, int] = (1, 1)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted({result.seed for result in self.results}))

    @property
    def audit(self) -> str | None:
        """The gravest verdict of the memorisation audit over the seeds; None where there was no audit."""
        said = [result.audit["verdict"] for result in self.results if result.audit]
        return max(said, key=_gravity) if said else None

    def scores(self, address: Address) -> dict[int, Score]:
        """The score of each seed."""
        return {
            result.seed: score
            for result in self.results
            for score in result.scores
            if (score.metric, score.space, score.level) == address
        }

    @property
    def name(self) -> str:
        """'ddpm ddim-25', 'ddpm v2 ddim-25': a version is said from the second on."""
        named = zip((self.variant, self.sampler), self.versions, strict=True)
        return " ".join(f"{name} v{n}" if n > 1 else name for name, n in named if name)


@dataclass
class Board:
    """Rows of one modality that may be compared. differs: what sets it apart from the first such board."""

    modality: str
    comparability: dict[str, Any]
    members: list[Result] = field(default_factory=list)
    differs: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def rows(self) -> list[Row]:
        """Trained variants first, controls after; by name, then version: no mean is over two versions."""
        groups: dict[tuple[bool, str, str, tuple[int, int]], list[Result]] = {}
        for result in self.members:
            key = result.is_control, result.variant, result.sampler or "", _versions(result)
            groups.setdefault(key, []).append(result)
        return [_row(groups[key]) for key in sorted(groups)]

    @property
    def subjects_known(self) -> bool:
        """False where one person may stand in train and in test; then nothing on the board is ranked."""
        return all(result.data.get("subjects_known", True) for result in self.members)

    @cached_property
    def floor(self) -> dict[str, dict[str, Any]]:
        """What real images score in a model's place, by ``results.called`` name (``mribench.metrics.floor``)."""
        return {
            name: dict(floor) for result in reversed(self.members) for name, floor in result.floor.items()
        }

    def floor_of(self, address: Address) -> dict[str, Any]:
        """The noise floor of one metric and space; empty where the records hold none."""
        return self.floor.get(called(*address[:2]), {})

    @cached_property
    def addresses(self) -> list[Address]:
        """Metric, space and level of every number, in the order of the results."""
        return list(dict.fromkeys(address for row in self.rows for address in row.entries))

    @property
    def primary(self) -> Address | None:
        """What trained rows are ranked by: the kernel distance in the primary space, else in the first there is."""
        kernel = [a for a in self.addresses if a[0] == PRIMARY[0]]
        return PRIMARY if PRIMARY in kernel else next(iter(kernel), None)

    def row(self, variant: str) -> Row | None:
        """The first row of a variant, in its newest version."""
        found = [row for row in self.rows if row.variant == variant]
        return max(found, key=lambda row: row.versions[0], default=None)


def boards(found: Iterable[Result]) -> list[Board]:
    """Results sorted into boards: each joins the first board whose every shared field is equal to its own.

    The order of the results does not matter.
    """
    made: list[Board] = []
    for result in sorted(found, key=order):
        fields = _flat(result)
        same = [board for board in made if board.modality == result.modality]
        home = next((board for board in same if not conflicts(board.comparability, fields)), None)
        if home is None:
            home = Board(result.modality, {})
            made.append(home)
        home.comparability.update(fields)
        home.members.append(result)
    made.sort(key=lambda b: (b.modality, str(b.comparability["data_kind"]), str(b.comparability["data"])))
    first: dict[str, Board] = {}
    for board in made:
        board.differs = conflicts(first.setdefault(board.modality, board).comparability, board.comparability)
    return made


def _flat(result: Result) -> dict[str, Any]:
    """Comparability fields, those that belong to one task under its name."""
    fields = result.comparability.items()
    return {(f"{result.task}.{k}" if k in OF_TASK else k): v for k, v in fields}


def conflicts(board: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with different values: name -> (the board's, the other's), a missing one being None.

    Fields of a task that only one side has say nothing against standing together.
    """
    tasks = _tasks(board) & _tasks(fields)
    meant = [k for k in sorted({*board, *fields}) if "." not in k or k.partition(".")[0] in tasks]
    return {k: (board.get(k), fields.get(k)) for k in meant if board.get(k) != fields.get(k)}


def _tasks(fields: Mapping[str, Any]) -> set[str]:
    return {name.partition(".")[0] for name in fields if "." in name}


def _gravity(verdict: str) -> int:
    order = CANNOT_SAY, NOT_DETECTED, SUSPECT, MEMORISES
    return next((i for i, word in enumerate(order) if verdict.startswith(word)), 0)


def _versions(result: Result) -> tuple[int, int]:
    """Versions of variant and sampler; 1 where a record does not say."""
    return result.versions.get("variant") or 1, result.versions.get("sampler") or 1


def _row(members: Sequence[Result]) -> Row:
    by_address: dict[Address, list[tuple[int, Score]]] = {}
    for result in members:
        for score in result.scores:
            by_address.setdefault((score.metric, score.space, score.level), []).append((result.seed, score))
    first = members[0]
    seeds = {result.seed for result in members}
    entries = {address: _aggregate(scores, seeds) for address, scores in by_address.items()}
    return Row(
        first.variant, first.sampler, first.is_control, entries, tuple(members), versions=_versions(first)
    )


def _aggregate(scores: Sequence[tuple[int, Score]], wanted: set[int]) -> Entry:
    """Mean and spread over seeds. One blank or absent seed makes the whole entry blank: no mean skips it."""
    seeds = tuple(sorted(seed for seed, _ in scores))
    first = scores[0][1]
    absent = [f"no result of seed {seed}" for seed in sorted(wanted - set(seeds))]
    blank = next((s.reason or "no value" for _, s in scores if s.value is None), *absent[:1] or [None])
    about = {"seeds": seeds, "n": first.n, "n_reference": first.n_reference, "subjects": first.subjects}
    if blank is not None:
        return Entry(None, None, None, None, reason=blank, **about)
    values = [s.value for _, s in scores]
    value, spread = mean(values), stdev(values) if len(values) > 1 else None
    if any(s.low is None or s.high is None for _, s in scores):
        return Entry(value, spread, None, None, **about)
    within = mean(s.low for _, s in scores), mean(s.high for _, s in scores)
    both = between_seeds(value, *within, spread, len(values))
    return Entry(value, spread, *both, **about, within_low=within[0], within_high=within[1])


def between_seeds(
    value: float, low: float, high: float, spread: float | None, seeds: int
) -> tuple[float, float]:
    """95 % interval of a mean over training seeds and test subjects, from the mean interval over subjects alone.

    The test subjects are the same for every seed, so their half-width does not shrink with seeds; the seeds add
    t(0.975, seeds - 1) * spread / sqrt(seeds). Half-widths add in quadrature (Zou & Donner 2008,
    doi:10.1002/sim.3095). Two seeds give wide intervals, and rightly so: t is 12.7. ``spread`` None leaves the
    interval as it is.
    """
    if spread is None:
        return low, high
    training = student_quantile(seeds - 1) * spread / math.sqrt(seeds)
    return value - math.hypot(value - low, training), value + math.hypot(high - value, training)


def in_one_line(result: Result) -> str:
    """The scores of one result in words, for the progress of a run."""
    words = []
    for s in result.scores:
        label = called(s.metric, s.space) + ("" if s.level is None else f"@{s.level:.2f}")
        words.append(f"{label} {'blank' if s.value is None else format(s.value, '.4g')}")
    return ", ".join(words)
