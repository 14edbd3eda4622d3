"""Two results, rows or runs side by side: which fields make them incomparable, or which differences are significant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from mribench import results
from mribench.board import columns
from mribench.board.boards import Board, boards
from mribench.board.claims import constant_pairs
from mribench.board.differences import Difference, corrected, difference
from mribench.board.group import conflicts
from mribench.board.rows import Address, Row
from mribench.errors import InputError
from mribench.metrics.significance import LEVEL
from mribench.results import Result


@dataclass(frozen=True)
class ComparedNumber:
    """One number of one pair of rows."""

    modality: str
    title: str  # the number as a heading
    difference: Difference
    better: str  # 'first', 'second', 'not told apart', or why nothing can be said


class Unpaired(NamedTuple):
    """A number that cannot be compared, because a record holds no values of single subjects."""

    modality: str
    first: str
    second: str
    number: str


@dataclass(frozen=True)
class Comparison:
    """Two sides, number by number."""

    # by modality, the comparability fields with other values and both values; such pairs are not compared
    differs: dict[str, dict[str, tuple[Any, Any]]]
    numbers: list[ComparedNumber]
    unpaired: list[Unpaired]


def select(text: str) -> list[Result]:
    """Results named by a file, a run folder, a kept board, or FOLDER:NAME, a variant ('ddpm') or row ('ddpm ddim-25').

    Raises InputError where there is nothing of that name.
    """
    path = Path(text)
    if path.is_dir() or (path.is_file() and path.suffix == ".zst"):
        return results.read_all([path])
    if path.is_file():
        return [results.read(path)]
    folder, colon, name = text.rpartition(":")
    if not colon or not Path(folder).is_dir():
        raise InputError(f"no result file or run folder {text}; give a path, or FOLDER:VARIANT")
    found = results.read_all([Path(folder)])
    chosen = [result for result in found if name in (result.variant, result.name)]
    if not chosen:
        names = ", ".join(sorted({result.name for result in found}))
        raise InputError(f"no row {name!r} in {folder}; expected one of {names}, or a variant alone")
    return chosen


def compare(first: Sequence[Result], second: Sequence[Result]) -> Comparison:
    """Rows of one name are compared; where no name is on both sides, each row with each. Holm's correction is over
    every number that is compared. Raises InputError where the two have no modality in common."""
    sides = [boards(first), boards(second)]
    shared = {board.modality for board in sides[0]} & {board.modality for board in sides[1]}
    if not shared:
        organs = [", ".join(sorted({board.modality for board in side})) for side in sides]
        raise InputError(
            f"the first is of {organs[0]}, the second of {organs[1]}; give results of one modality"
        )
    differs: dict[str, dict[str, tuple[Any, Any]]] = {}
    found: list[ComparedNumber] = []
    unpaired: list[Unpaired] = []
    for modality in sorted(shared):
        both = list(product(*([b for b in side if b.modality == modality] for side in sides)))
        apart = [conflicts(a.comparability, b.comparability) for a, b in both]
        if all(apart):
            differs[modality] = min(apart, key=len)
        for (a, b), conflict in zip(both, apart, strict=True):
            if not conflict:
                merged = boards([*a.members, *(m for m in b.members if m not in a.members)])[0]
                for one, other in _pairs(a.rows, b.rows):
                    numbers, without = _compared(merged, one, other)
                    found += numbers
                    unpaired += without
    adjusted = corrected([number.difference for number in found])
    return Comparison(
        differs, [_judged(number, one) for number, one in zip(found, adjusted, strict=True)], unpaired
    )


def _pairs(first: list[Row], second: list[Row]) -> Iterator[tuple[Row, Row]]:
    named = {row.name: row for row in second}
    same = [(row, named[row.name]) for row in first if row.name in named]
    yield from same or product(first, second)


def _compared(board: Board, one: Row, other: Row) -> tuple[list[ComparedNumber], list[Unpaired]]:
    """Every headline number that both rows have; which is better is said by value alone, before any correction."""
    numbers, without = [], []
    reason = board.why_no_inference
    for address in columns.headline_addresses(board):
        first, second = one.value(address), other.value(address)
        if first is None or second is None:
            continue
        title, found = columns.title(board, address), difference(one, other, address)
        if found is None:
            without.append(Unpaired(board.modality, one.name, other.name, title))
            continue
        better = _better(board.metrics[address[0]]["direction"], first, second)
        why_not = reason or _why_untrusted(board, address) or _why_computed(one, other, found)
        better = f"not judged, {why_not}" if why_not else better
        numbers.append(ComparedNumber(board.modality, title, found, better))
    return _without_contradictions(board, numbers), without


def _why_untrusted(board: Board, address: Address) -> str | None:
    return f"{address[1]} is not trusted with these images" if board.untrusted(address[1]) else None


def _why_computed(one: Row, other: Row, found: Difference) -> str | None:
    if found.value and any(constant_pairs([found.address], [(one, other)])):
        return "the two differ by the same number everywhere"
    return None


def _without_contradictions(board: Board, numbers: list[ComparedNumber]) -> list[ComparedNumber]:
    """No claim by the primary metric where trusted spaces contradict each other, each of them significantly."""
    clear = {
        number.difference.address: number.better
        for number in numbers
        if number.difference.address in board.claim_addresses and number.difference.p < LEVEL
    }
    if len(set(clear.values()) & {"first", "second"}) < 2:
        return numbers
    said = "not told apart, the spaces contradict each other"
    return [replace(n, better=said) if n.difference.address in clear else n for n in numbers]


def _better(direction: str, first: float, second: float) -> str:
    """Which side is better by value alone; ``zero``: the nearer to 0, where both lie on one side of it."""
    if direction == "zero":
        if first * second < 0:
            return "not judged, on two sides of 0"
        first, second = -abs(first), -abs(second)
    return "first" if (first > second) == (direction != "down") else "second"


def _judged(number: ComparedNumber, adjusted: Difference) -> ComparedNumber:
    """The number with its corrected difference; what is not significant is not told apart."""
    claims = number.better in ("first", "second") and adjusted.adjusted >= LEVEL
    return replace(number, difference=adjusted, better="not told apart" if claims else number.better)


def as_json(comparison: Comparison) -> dict[str, Any]:
    """JSON-serialisable: comparable, differs, differences, unpaired."""
    differences = [
        {"modality": x.modality, "number": x.title, "verdict": x.better, **asdict(x.difference)}
        for x in comparison.numbers
    ]
    unpaired = [one._asdict() for one in comparison.unpaired]
    differs = comparison.differs
    return {"comparable": not differs, "differs": differs, "differences": differences, "unpaired": unpaired}
