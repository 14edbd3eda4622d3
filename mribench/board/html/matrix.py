"""The glance at many rows: one line for each method and sampler, one column for each board, the number that ranks.

A page of few rows has the longer table of ``summary`` instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mribench.board.html.values import BoardView, Number, RowView


@dataclass(frozen=True)
class MatrixCell:
    """A row on one board; ``row`` is None where the board has none of its name."""

    number: Number
    row: RowView | None = None
    reason: str = "not run on this data"


@dataclass(frozen=True)
class MatrixLine:
    name: str
    help: str
    mean_best: float  # orders the lines: mean over boards of the best place; infinite where one ranks nothing
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class Matrix:
    boards: Sequence[BoardView]
    lines: Sequence[MatrixLine]


def matrix(boards: Sequence[BoardView]) -> Matrix:
    """Lines with a rank on every board first, by their mean best place."""
    shown = [board for board in boards if board.trained]
    rows = {board.id: {row.name: row for row in board.trained} for board in shown}
    names = dict.fromkeys(name for of_board in rows.values() for name in of_board)
    lines = [_line(name, shown, [rows[board.id].get(name) for board in shown]) for name in names]
    return Matrix(shown, sorted(lines, key=lambda line: (line.mean_best, line.name)))


def _line(name: str, boards: Sequence[BoardView], rows: Sequence[RowView | None]) -> MatrixLine:
    cells = tuple(_cell(board, row) for board, row in zip(boards, rows, strict=True))
    places = [float("inf") if row is None or row.best is None else row.best for row in rows]
    help = next(row.help for row in rows if row is not None)
    return MatrixLine(name, help, sum(places) / len(places), cells)


def _cell(board: BoardView, row: RowView | None) -> MatrixCell:
    if row is None:
        return MatrixCell(Number())
    column = board.column(board.primary)
    number = column.numbers[row.name] if column else Number()
    return MatrixCell(number, row, number.reason)
