"""From results to boards. A board holds only results whose comparability fields are equal; a difference is
named.

This file decides what stands together and aggregates seeds; ``page``, ``export`` and ``screen`` show it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev
from typing import Any

from mribench.results import Result, called, order
from mribench.spec import Score

Address = tuple[str, str | None, float | None]  # metric, feature space, level


@dataclass(frozen=True)
class Entry:
    """One number of one row, aggregated over seeds.

    value: mean over seeds; spread: their standard deviation, None for one seed; low, high: 95 % interval
    over test subjects, averaged over seeds; n, n_reference, subjects: per seed. reason: why value is None.
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

    @property
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
        home = next((board for board in same if not _conflicts(board.comparability, fields)), None)
        if home is None:
            home = Board(result.modality, {})
            made.append(home)
        home.comparability.update(fields)
        home.members.append(result)
    made.sort(key=lambda b: (b.modality, str(b.comparability["data_kind"]), str(b.comparability["data"])))
    first: dict[str, Board] = {}
    for board in made:
        board.differs = _conflicts(first.setdefault(board.modality, board).comparability, board.comparability)
    return made


def _flat(result: Result) -> dict[str, Any]:
    """Comparability fields, those that belong to one task under its name."""
    own = {"task", "metrics", "feature_spaces", "n_generated", "n_reference"}
    return {(f"{result.task}.{k}" if k in own else k): v for k, v in result.comparability.items()}


def _conflicts(board: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Shared fields with different values: name -> (the board's, the other's)."""
    return {k: (board[k], v) for k, v in fields.items() if k in board and board[k] != v}


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
    bounded = all(s.low is not None for _, s in scores)
    return Entry(
        value=mean(values),
        spread=stdev(values) if len(values) > 1 else None,
        low=mean(s.low for _, s in scores) if bounded else None,
        high=mean(s.high for _, s in scores) if bounded else None,
        **about,
    )


def in_one_line(result: Result) -> str:
    """The scores of one result that stand in a headline, in words, for the progress of a run."""
    words = []
    for s in result.scores:
        if not result.metrics[s.metric].get("headline", True):
            continue
        label = called(s.metric, s.space) + ("" if s.level is None else f"@{s.level:.2f}")
        words.append(f"{label} {'blank' if s.value is None else format(s.value, '.4g')}")
    return ", ".join(words)
