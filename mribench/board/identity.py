"""Which records are of one training, and which rows are of one set of outputs, whatever they are called."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

from mribench.board.rows import Row
from mribench.hashing import arrays_sha256
from mribench.results import Result

T = TypeVar("T", bound=Hashable)
# of a task that produced nothing: the audit of a model that has no losses to ask for
NOTHING = arrays_sha256({})


def output_marks(result: Result) -> set[Hashable]:
    """What two records have in common where they are of the same outputs: their hash, or the values of every subject
    (subsample) in a metric. Values are marks because older records carry no hash; a value that all subjects share is
    none, as two models may well be perfect. Empty where nothing is known."""
    found: set[Hashable] = set()
    if (digest := result.provenance.get("outputs_sha256")) and digest != NOTHING:
        found.add((result.task, str(digest)))
    for score in result.scores:
        values = score.subsamples or score.per_subject
        if score.metric == result.primary and len(set(values)) > 1:
            found.add((score.metric, score.space, score.level, values))
    return found


def same_training(members: Sequence[Result]) -> tuple[list[Result], tuple[int, ...]]:
    """Of the records of one trained row those of its different trainings, and all seeds under which one is filed.

    Two seeds are one training where the weights have one hash, or where the outputs are the same. Of such seeds the
    lowest counts.
    """
    marks: dict[int, set[Hashable]] = {}
    for result in members:
        own = marks.setdefault(result.seed, set())
        # of a pipeline that was trained elsewhere, two sampling seeds are not two trainings
        source = result.provenance.get("source") or {}
        if weights := result.provenance.get("checkpoint_sha256") or source.get("sha256"):
            own.add(str(weights))
        own |= output_marks(result)
    several = [seeds for seeds in linked(marks) if len(seeds) > 1]
    refused = {seed for seeds in several for seed in sorted(seeds)[1:]}
    kept = [result for result in members if result.seed not in refused]
    return kept, tuple(sorted(seed for seeds in several for seed in seeds))


def copies(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows in groups of those that share outputs: a group is one entry under several names."""
    known = {row.name: row for row in rows}
    marks = {
        name: {mark for result in row.results for mark in output_marks(result)} for name, row in known.items()
    }
    return [[known[name] for name in names] for names in linked(marks)]


def linked(marks: Mapping[T, set[Hashable]]) -> list[list[T]]:
    """Names in groups, where two that have a mark in common are in one; in the order given."""
    home = {name: name for name in marks}
    first: dict[Hashable, T] = {}
    for name, own in marks.items():
        for mark in own:
            home = _joined(home, first.setdefault(mark, name), name)
    groups: dict[T, list[T]] = {}
    for name, root in home.items():
        groups.setdefault(root, []).append(name)
    return list(groups.values())


def _joined(home: dict[T, T], a: T, b: T) -> dict[T, T]:
    if home[a] == home[b]:
        return home
    return {name: home[a] if root == home[b] else root for name, root in home.items()}


def pairs(groups: Sequence[Sequence[Row]]) -> list[tuple[Row, Row]]:
    """Each two entries once, by the first row of each."""
    return list(combinations([group[0] for group in groups], 2))
