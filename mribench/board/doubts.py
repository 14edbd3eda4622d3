"""What speaks against single records and claims of a board, a sentence each: the reader judges who filed them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mribench.board.agreement import is_edited
from mribench.board.control_checks import Landed, seeds_apart
from mribench.board.group import Group
from mribench.board.naming import listed
from mribench.board.ranks import Ranking
from mribench.results import Result

MOST = 5  # sentences of one kind, above which they are counted


def doubts(group: Group, ranking: Ranking, landed: Sequence[Landed]) -> list[str]:
    """Differing and edited records, trainings and rows filed twice, spaces that contradict each other, digests."""
    kinds = (
        differing(group),
        _edited(group),
        _seeds(group),
        _copies(ranking),
        seeds_apart(landed),
        contradictions(ranking),
        _trained_elsewhere(group),
        _without_digest(group.members),
    )
    return [sentence for kind in kinds for sentence in shortened(list(dict.fromkeys(kind)))]


def shortened(sentences: list[str]) -> list[str]:
    """The first few of many sentences, and how many there are more."""
    more = len(sentences) - MOST
    return sentences if more <= 1 else [*sentences[:MOST], f"And {more} more like the last one."]


def differing(group: Group) -> Iterator[str]:
    """Records that say something else of the board than most do."""
    found: dict[str, list[Result]] = {}
    for result, what in group.agreed.differing:
        found.setdefault(what, []).append(result)
    for what, results in found.items():
        yield (
            f"The {what} of {_records(results)} is not that of most records; the majority counts, and these rows are "
            "not ranked."
        )


def _edited(group: Group) -> Iterator[str]:
    if found := [result for result in group.members if is_edited(result)]:
        yield f"Edited: {_records(found)}. What a record holds does not match its digest."


def _seeds(group: Group) -> Iterator[str]:
    for row in group.rows:
        if row.same_training:
            seeds = ", ".join(map(str, row.same_training))
            yield f"{row.name}: one training is filed as seeds {seeds}; the lowest of equal ones counts."


def _copies(ranking: Ranking) -> Iterator[str]:
    for names in ranking.copies:
        yield f"{listed(names)} are the same outputs: one entry, counted once."


def contradictions(ranking: Ranking) -> Iterator[str]:
    """Pairs that are tied although a difference is significant."""
    for claim in ranking.claims:
        if claim.doubt:
            yield f"{claim.doubt}: the two are tied."


def _trained_elsewhere(group: Group) -> Iterator[str]:
    """Rows of models that did not go through the profile's training."""
    for row in group.rows:
        if row.trained_elsewhere:
            yield f"{row.name} was trained elsewhere: with which data, budget and choices, its record does not prove."


def _without_digest(results: Iterable[Result]) -> Iterator[str]:
    held = [result.edited for result in results]
    if without := held.count(None):
        yield (
            f"{without} of {len(held)} records carry no digest, as early ones do: whether they were edited cannot be "
            "seen."
        )


def _records(results: Iterable[Result]) -> str:
    """'ddpm ddim-25 seed 0 (generation), ...', the first few."""
    names = list(dict.fromkeys(f"{r.name} seed {r.seed} ({r.task})" for r in results))
    more = len(names) - MOST
    return ", ".join(names[:MOST]) + (f" and {more} more" if more > 0 else "")
