"""Ranks as intervals: of each trained row, the best and the worst place that the numbers leave open."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from mribench.board.boards import Board
from mribench.board.control_checks import violations
from mribench.board.differences import Difference, corrected, difference
from mribench.board.rows import Address, Row
from mribench.metrics.significance import LEVEL
from mribench.spec import AuditVerdict


@dataclass(frozen=True)
class Standing:
    """best, worst: the rank interval, None for a row that is not ranked, and ``reason`` says why. at_floor: its
    interval reaches what real training images score. notes: what to know before the rank is read."""

    best: int | None = None
    worst: int | None = None
    reason: str | None = None
    at_floor: bool = False
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """'1', '1-3', or empty."""
        if self.best is None:
            return ""
        return str(self.best) if self.best == self.worst else f"{self.best}-{self.worst}"


def why_unranked(board: Board) -> str | None:
    """Why a board ranks nothing: unknown or few subjects, no feature space to trust, or a control where it must not
    be. None: it ranks."""
    if board.primary and board.untrusted(board.primary[1]):
        return board.why_unranked or f"{board.primary[1]} is not trusted with these images"
    return board.why_unranked or ("the board is invalid" if violations(board) else None)


def standings(board: Board) -> dict[str, Standing]:
    """By ``Row.name``. Trained rows are ranked by ``board.primary``; controls and real images never are.

    A row ranks before another where the paired difference is significant after Holm's correction over all pairs of
    the board. Two rows that both reach the floor are tied: nothing finer can be measured there.
    """
    address = board.primary
    reasons = {row.name: _why_not(row, board, address) for row in board.rows}
    ranked = [row for row in board.rows if reasons[row.name] is None]
    floor = {row.name: at_floor(board, row, address) for row in board.rows}
    ahead = {
        (found.first, found.second) if found.value < 0 else (found.second, found.first)
        for found in pairs(board, ranked)
        if found.adjusted < LEVEL and not (floor[found.first] and floor[found.second])
    }
    made = {}
    for row in board.rows:
        about = {
            "reason": reasons[row.name],
            "at_floor": floor[row.name],
            "notes": _notes(row, floor[row.name]),
        }
        if row in ranked:
            about["best"] = 1 + sum((other.name, row.name) in ahead for other in ranked)
            about["worst"] = len(ranked) - sum((row.name, other.name) in ahead for other in ranked)
        made[row.name] = Standing(**about)
    return made


def pairs(board: Board, rows: list[Row]) -> list[Difference]:
    """Paired differences between all of these rows in ``board.primary``, corrected together."""
    found = (difference(a, b, board.primary) for a, b in combinations(rows, 2))
    return corrected([one for one in found if one is not None])


def at_floor(board: Board, row: Row, address: Address | None) -> bool:
    """Does a row reach what real training images score? Then these test subjects cannot say anything finer of it.

    Decided by the paired difference to the training images over the test subjects, however many seeds there are; by
    the interval of the row where records hold no subsamples.
    """
    real = board.floor_of(address).get("train_test") if address else None
    if real is None:
        return False
    found = difference(row, board.real_train, address, over_seeds=False)
    if found:
        return found.low <= 0
    entry = row.entries.get(address)
    return entry is not None and entry.within_low is not None and entry.within_low <= real


def _why_not(row: Row, board: Board, address: Address | None) -> str | None:
    if row.is_control:
        return "control"
    entry = row.entries.get(address)
    if entry is None or entry.value is None:
        return "no score to rank by"
    if row.audit and AuditVerdict(row.audit).memorises:
        return row.audit
    if reason := why_unranked(board):
        return reason
    if entry.low is None:
        return "no interval"
    return None if _paired(row, address) else "the record holds no values of single subjects"


def _paired(row: Row, address: Address) -> bool:
    return all(score.subsamples or score.per_subject for score in row.scores(address).values())


def _notes(row: Row, floor: bool) -> tuple[str, ...]:
    notes = ["1 seed"] if len(row.seeds) == 1 and not row.is_control else []
    return tuple(notes + (["at floor"] if floor else []) + ([row.audit] if row.audit else []))
