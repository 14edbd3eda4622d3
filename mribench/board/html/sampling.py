"""The samplers of one trained checkpoint as a table, sampler by NFE, and as a drawing of one curve each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mribench.board.boards import Board
from mribench.board.html.charts import Chart, chart, letters_of, point_of
from mribench.board.html.values import BoardView, Number
from mribench.board.pareto import COSTS, nfe
from mribench.board.sampler_sweep import Sweep, caption, sampler_of, standing, sweeps

NOT_RUN = Number(reason="not run")


@dataclass(frozen=True)
class Line:
    """One sampler of the table."""

    letter: str  # on the drawing
    sampler: str
    # and below it the NFE, where the column has several, and its standing in the column
    numbers: tuple[tuple[Number, str], ...]


@dataclass(frozen=True)
class SamplerTable:
    """One trained variant on one board."""

    board: BoardView
    caption: str
    sweep: Sweep
    lines: list[Line]
    chart: Chart | None


def sampler_tables(boards: Sequence[Board], views: Sequence[BoardView]) -> list[SamplerTable]:
    """A table for each sweep of each board that has a number to rank by."""
    return [
        _table(board, view, sweep, place)
        for board, view in zip(boards, views, strict=True)
        if view.primary
        for place, sweep in enumerate(sweeps(board.trained), start=1)
    ]


def _table(board: Board, view: BoardView, sweep: Sweep, place: int) -> SamplerTable:
    column = view.column(view.primary)
    assert column is not None
    rows = {row.name: row for row in view.rows}
    inside = [row.name for of in sweep.rows.values() for row in of.values()]
    points = [
        point
        for name in inside
        if (point := point_of(view, rows[name], nfe(rows[name].results), sampler_of(rows[name].sampler)))
    ]
    letters: Mapping[str, str] = letters_of(points)
    lines = []
    standings = {column: standing(board, sweep, column) for column in sweep.columns}
    for sampler in sweep.rows:
        numbers = []
        for evaluations in sweep.columns:
            cell = sweep.cell(sampler, evaluations)
            said = [f"NFE {cell[0]}"] if cell and len(evaluations) > 1 else []
            said += filter(None, [standings[evaluations].get(sampler)])
            numbers.append((column.numbers[cell[1].name] if cell else NOT_RUN, ", ".join(said)))
        lines.append(Line(letters.get(sampler, ""), sampler, tuple(numbers)))
    drawn = chart(view, points, COSTS[0][1], f"{view.id}-samplers-{place}", letters) if points else None
    return SamplerTable(view, f"{view.title}: {caption(board, sweep)}", sweep, lines, drawn)
