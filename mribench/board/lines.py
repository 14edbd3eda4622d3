"""The lines of a board's tables: its rows, and real images in a model's place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mribench.board.boards import Board
from mribench.board.rows import Address, Estimate, Row

REAL_TRAIN, HALVES = "real train", "half against half"


@dataclass(frozen=True)
class Line:
    """One line of a table: a row of a board, or real images in a model's place."""

    kind: Literal["trained", "control", "real"]
    name: str
    board: Board
    estimates: Mapping[Address, Estimate]
    row: Row | None = None  # None for real images, which are not ranked
    level: float | None = None  # of a table that repeats its rows for every noise level


def rows(board: Board, level: float | None = None) -> list[Line]:
    """A line for each row of a board: trained rows by rank, those without a rank by the number that ranks, then the
    controls by name. See ``Row.is_shown``."""
    return [
        Line("control" if row.is_control else "trained", row.name, board, row.estimates, row, level)
        for row in sorted(board.rows, key=lambda row: _place(board, row))
        if row.is_shown
    ]


def _place(board: Board, row: Row) -> tuple[bool, float, float, float, str]:
    rank, value = board.ranks[row.name], row.value(board.primary)
    if row.is_control:
        return True, 0.0, 0.0, 0.0, row.name
    best = math.inf if rank.best is None else rank.best
    worst = math.inf if rank.worst is None else rank.worst
    oriented = math.inf if value is None or board.primary is None else board.sign(board.primary) * value
    return False, best, worst, oriented, row.name


def real(board: Board, addresses: Sequence[Address]) -> list[Line]:
    """Real images in a model's place, where any of the addresses has a number of them."""
    lines = []
    for name, estimate in ((REAL_TRAIN, train_estimate), (HALVES, halves_estimate)):
        known = {a: found for a in addresses if (found := estimate(board, a))}
        if known:
            lines.append(Line("real", name, board, known))
    return lines


def train_estimate(board: Board, address: Address) -> Estimate | None:
    """The real training images as a row would show them; None where there is no number."""
    floor = board.floor_of(address)
    if floor.get("train_test") is None:
        return None
    counts = floor["n"], floor["n_reference"], board.test_subjects
    return Estimate(floor["train_test"], None, floor.get("train_low"), floor.get("train_high"), (), *counts)


def halves_estimate(board: Board, address: Address) -> Estimate | None:
    """One half of the test subjects against the other: mean and 95 % band of single splits."""
    floor = board.floor_of(address)
    if floor.get("half_mean") is None:
        return None
    counts = floor["n_half"], floor["n_half"], board.test_subjects // 2
    return Estimate(floor["half_mean"], None, floor["half_low"], floor["half_high"], (), *counts)
