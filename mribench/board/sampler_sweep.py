"""Samplers of one trained checkpoint: the speed-quality curve of the surveys, sampler by number of evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mribench.board import columns
from mribench.board.boards import Board
from mribench.board.differences import corrected, difference
from mribench.board.pareto import nfe
from mribench.board.rows import Row
from mribench.escaping import Markdown
from mribench.metrics.significance import LEVEL

NEAR = 1.25  # a factor within which numbers of evaluations share a column
BEST, AS_GOOD = "best", "as good"  # of a column
FEWEST = 3  # rows of one checkpoint, below which there is no curve


@dataclass(frozen=True)
class Sweep:
    """Rows of one board that differ in their sampler alone."""

    variant: str
    checkpoints: int  # trainings, a seed each
    columns: tuple[tuple[int, ...], ...]  # NFE of each column, ascending
    rows: Mapping[str, Mapping[int, Row]]  # by sampler without its steps, then by NFE

    def cell(self, sampler: str, column: Sequence[int]) -> tuple[int, Row] | None:
        """NFE and row of a sampler in one column."""
        return next(((n, self.rows[sampler][n]) for n in column if n in self.rows[sampler]), None)


def sweeps(rows: Sequence[Row]) -> list[Sweep]:
    """A sweep for each variant of which several samplers draw from the same checkpoints.

    Rows whose records name no checkpoint, or other ones, are left out, and so is a checkpoint of which no sampler has
    several numbers of evaluations: solvers of a problem have one each. Where two numbers of steps of one sampler take
    the same evaluations, the row with the first name counts.
    """
    groups: dict[tuple[tuple[int, str], ...], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.name):
        weights = _weights(row)
        if weights and row.sampler and nfe(row.results) is not None:
            groups.setdefault(weights, []).append(row)
    found = [_sweep(weights, group) for weights, group in groups.items() if len(group) >= FEWEST]
    return [sweep for sweep in found if any(len(of_sampler) > 1 for of_sampler in sweep.rows.values())]


def caption(board: Board, sweep: Sweep) -> str:
    """'KD[hc85-v1] (1e-3) ↓ by sampler and NFE, 3 trainings of ddpm', of a board with a number that ranks."""
    assert board.primary is not None
    trainings = f"{sweep.checkpoints} training{'s' if sweep.checkpoints > 1 else ''}"
    return f"{columns.title(board, board.primary)} by sampler and NFE, {trainings} of {sweep.variant}"


def standing(board: Board, sweep: Sweep, column: Sequence[int]) -> dict[str, str]:
    """``BEST`` for the best sampler of a column, ``AS_GOOD`` for those that test subjects do not tell apart from it.

    Differences are paired and corrected over the column (Holm), of these very checkpoints: of one training the spread
    between trainings is not in them. Samplers whose records hold no values of the subjects have no standing.
    """
    address = board.primary
    assert address is not None
    cells = {name: cell[1] for name in sweep.rows if (cell := sweep.cell(name, column))}
    known = {name: value for name, row in cells.items() if (value := row.value(address)) is not None}
    values = {name: board.sign(address) * value for name, value in known.items()}
    if len(values) < 2:
        return {}
    best = min(values, key=values.__getitem__)
    over_seeds = sweep.checkpoints > 1
    found = {
        name: one
        for name in values
        if name != best and (one := difference(cells[name], cells[best], address, over_seeds))
    }
    adjusted = zip(found, corrected(list(found.values())), strict=True)
    return {best: BEST} | {name: AS_GOOD for name, one in adjusted if one.adjusted >= LEVEL}


def table(board: Board, sweep: Sweep) -> tuple[list[str], list[list[str]]]:
    """Titles and lines: a line for each sampler, its NFE beside a number where the column has several; bold what has a
    ``standing``."""
    address = board.primary
    assert address is not None
    unit = str(board.metrics[address[0]]["unit"])
    bold = {column: standing(board, sweep, column) for column in sweep.columns}

    def text(sampler: str, column: tuple[int, ...]) -> str:
        cell = sweep.cell(sampler, column)
        if cell is None:
            return ""
        said = columns.number(cell[1].estimates.get(address), unit)
        said = f"{said} ({cell[0]})" if len(column) > 1 else said
        return Markdown(f"**{said}**") if sampler in bold[column] else said

    titles = [
        "sampler",
        *("NFE " + "-".join(map(str, dict.fromkeys((of[0], of[-1])))) for of in sweep.columns),
    ]
    return titles, [[name, *(text(name, column) for column in sweep.columns)] for name in sweep.rows]


def _weights(row: Row) -> tuple[tuple[int, str], ...]:
    """Seed and sha256 of each checkpoint; empty where a record names none."""
    found = {(r.seed, str(r.provenance.get("checkpoint_sha256") or "")) for r in row.results}
    return tuple(sorted(found)) if all(digest for _, digest in found) else ()


def _sweep(weights: tuple[tuple[int, str], ...], group: Sequence[Row]) -> Sweep:
    found: dict[str, dict[int, Row]] = {}
    for row in group:
        evaluations = nfe(row.results)
        assert evaluations is not None
        found.setdefault(sampler_of(row.sampler or ""), {}).setdefault(int(evaluations), row)
    return Sweep(group[0].variant, len(weights), tuple(_columns(found)), dict(sorted(found.items())))


def _columns(found: Mapping[str, Mapping[int, Row]]) -> list[tuple[int, ...]]:
    """Numbers of evaluations that lie near each other share a column: a sampler of second order takes 19 where one of
    first order takes 20. No sampler has two numbers in one column."""
    columns: list[tuple[int, ...]] = []
    for n in sorted({n for of_sampler in found.values() for n in of_sampler}):
        last = columns[-1] if columns else ()
        both = any(n in of and any(other in of for other in last) for of in found.values())
        if last and n <= NEAR * last[0] and not both:
            columns[-1] = (*last, n)
        else:
            columns.append((n,))
    return columns


def sampler_of(name: str) -> str:
    """'dpm-solver' of 'dpm-solver-16'."""
    base, _, steps = name.rpartition("-")
    return base if base and steps.isdecimal() else name
