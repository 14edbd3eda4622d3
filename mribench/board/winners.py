"""Who is best at what: of each organ the best row by fidelity, by every other task, and whom the audit suspects.

One number of each task is read, so that four numbers of one kind do not speak four times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mribench.board import columns
from mribench.board.boards import Board
from mribench.board.naming import listed
from mribench.board.rows import Address, Row

FEWEST_ROWS = 2


def winners(boards: Sequence[Board]) -> Iterator[str]:
    """A sentence for each board with two ranked rows and more. A row is best alone where no other's interval overlaps
    its own."""
    for board in boards:
        rows = [row for row in board.trained if board.ranks[row.name].best is not None]
        if board.why_unranked or board.poses_problem or len(rows) < FEWEST_ROWS:
            continue
        said = [part for address in _numbers(board) if (part := _best(board, rows, address))]
        suspect = [row.name for row in rows if board.ranks[row.name].suspect]
        said.append(f"the audit suspects {listed(suspect)}" if suspect else "the audit suspects none")
        c = board.comparability
        yield f"{board.organ}, {c['data']}, {c['profile']}: {'; '.join(said)}."


def _numbers(board: Board) -> list[Address]:
    """What ranks, and the first headline number of every other task."""
    assert board.primary is not None
    of_task: dict[str, Address] = {}
    task_of = {
        (score.metric, score.space, score.level): result.task
        for result in board.records
        for score in result.scores
    }
    of_task[task_of[board.primary]] = board.primary
    for address in columns.headline_addresses(board):
        of_task.setdefault(task_of[address], address)
    return list(of_task.values())


def _best(board: Board, rows: Sequence[Row], address: Address) -> str | None:
    """'best by PSNR (dB) ↑ is flow, 18.9 [18.8, 19.1], and 2 of 8 whose intervals overlap'; None of fewer than two."""
    sign = board.sign(address)
    found = [row for row in rows if row.value(address) is not None]
    if len(found) < FEWEST_ROWS or board.metrics[address[0]]["direction"] == "zero":
        return None
    best, *others = sorted(found, key=lambda row: sign * (row.value(address) or 0.0))
    estimate = best.estimates[address]
    text = columns.number(estimate, str(board.metrics[address[0]]["unit"]))
    said = f"best by {columns.title(board, address)} is {best.name}, {text}"
    alike = sum(_overlaps(best, other, address) for other in others)
    return f"{said}, and {alike} of {len(others)} others whose intervals overlap" if alike else said


def _overlaps(one: Row, other: Row, address: Address) -> bool:
    a, b = one.estimates[address], other.estimates[address]
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return True
    return a.low <= b.high and b.low <= a.high
