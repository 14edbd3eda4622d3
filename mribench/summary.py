"""One table over all organs: what each trained variant reached, and how far the Gaussian control gets without it."""

from __future__ import annotations

from collections.abc import Sequence

from mribench import tables
from mribench.leaderboard import Address, Board
from mribench.verdict import word_against

KD: Address = ("kd", "hc85-v1", None)
CONTROL = "gaussian"


def table(boards: Sequence[Board]) -> tuple[list[str], list[list[str]]]:
    """Titles and one line per board and trained row. Columns are those of the first board with every number."""
    shown = list(dict.fromkeys(a for board in boards for a in tables.headline_addresses(board)))
    first = {a: next(b for b in boards if a in tables.addresses(b)) for a in shown}
    titles = ["modality", "test subjects", "variant", "seeds", *(tables.title(first[a], a) for a in shown)]
    titles += [f"{tables.title(first[KD], KD)} of {CONTROL}", f"against {CONTROL}"] if KD in first else []
    lines = []
    for board in boards:
        data, control = board.members[0].data, board.row(CONTROL)
        for row in board.rows:
            if row.is_control:
                continue
            line = [data["title"], str(data["subjects"]["test"]), row.name, tables.seeds(row)]
            line += [tables.cell(board, row, address) for address in shown]
            if KD in first:
                line += (
                    [tables.cell(board, control, KD), word_against(row, control, KD)] if control else ["", ""]
                )
            lines.append(line)
    return titles, lines
