"""The board of a narrow terminal: of each row its rank, the number that ranks, PSNR, and the verdict."""

from __future__ import annotations

from dataclasses import replace

from mribench.board import columns
from mribench.board.against_control import control_name
from mribench.board.boards import Board
from mribench.board.columns import Column, Table
from mribench.board.group import HEADLINE_LEVEL
from mribench.board.lines import Line, real, rows
from mribench.board.rows import Address
from mribench.spec import AuditVerdict

PSNR = "psnr"
SAID = {
    "ahead": "ahead of {}",
    "behind": "behind {}",
    "undecided": "undecided: one seed",
    "not told apart": "not told apart from {}",
}


def short(board: Board) -> Table:
    """Five columns, which fit into 80 characters; the files of the board have all others."""
    beside = psnr(board)
    numbers = [columns.number_column(board, a) for a in (board.primary, beside) if a]
    shown = [a for a in (board.primary,) if a]
    rank = Column("rank", columns.RANK.value, _rank)
    return Table([columns.VARIANT, rank, *map(_plain, numbers), VERDICT], [*rows(board), *real(board, shown)])


def psnr(board: Board) -> Address | None:
    """PSNR at the level of the headline; None where no record holds one, or where it ranks itself."""
    found = [a for a in board.addresses if a[0] == PSNR and a != board.primary]
    return min(found, key=lambda a: abs((a[2] or HEADLINE_LEVEL) - HEADLINE_LEVEL), default=None)


def _plain(column: Column) -> Column:
    """The heading without its unit, the number without the spread over seeds, which its interval holds; PSNR without
    its interval, for which there is no room."""
    is_psnr = column.address is not None and column.address[0] == PSNR

    def text(line: Line) -> str:
        mean, _, rest = column.text(line).partition(" ")
        interval = "[" + rest.partition("[")[2] if "[" in rest and not is_psnr else ""
        return f"{mean} {interval}".strip()

    return replace(column, title=column.title.partition(" ")[0], text=text)


def _rank(line: Line) -> str:
    return line.board.ranks[line.name].text if line.row else ""


def _verdict(line: Line) -> str:
    """'ahead of gaussian', 'MEMORISES', why there is no rank, or what kind of line it is."""
    if line.row is None:
        return "real images"
    if line.row.is_control:
        audit = AuditVerdict(line.row.audit) if line.row.audit else None
        return f"control, {audit}" if audit and audit.grave else "control"
    reason, outcome = line.board.ranks[line.name].reason, line.board.outcomes.get(line.name)
    if reason or outcome is None:
        return reason or ""
    return SAID.get(outcome, outcome).format(control_name(line.board))


VERDICT = Column("verdict", _verdict, _verdict)
