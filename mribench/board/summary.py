"""One table over all organs: what each trained variant reached, and how far the Gaussian control gets without it."""

from __future__ import annotations

from collections.abc import Sequence

from mribench.board import columns
from mribench.board.against_control import CONTROL, word
from mribench.board.boards import PRIMARY, Board
from mribench.board.ranks import standings


def table(boards: Sequence[Board]) -> tuple[list[str], list[list[str]]]:
    """Titles and one line per board and trained row. Columns are those of the first board with every number."""
    shown = list(dict.fromkeys(a for board in boards for a in columns.headline_addresses(board)))
    first = {a: next(b for b in boards if a in b.addresses) for a in shown}
    titles = [
        "modality",
        "data",
        "profile",
        "test subjects",
        "variant",
        "rank",
        "seeds",
        *(columns.title(first[a], a) for a in shown),
    ]
    titles += (
        [f"{columns.title(first[PRIMARY], PRIMARY)} of {CONTROL}", f"against {CONTROL}"]
        if PRIMARY in first
        else []
    )
    lines = []
    for board in boards:
        about, control, places = board.members[0].data, board.row(CONTROL), standings(board)
        # one organ may have several boards: what sets them apart stands in the line
        which = [about["title"], board.comparability["data"], board.comparability["profile"]]
        for row in board.rows:
            if row.is_control:
                continue
            line = [*which, str(about["subjects"]["test"]), row.name]
            line += [places[row.name].words, columns.seeds(row)]
            line += [columns.cell(board, row, address) for address in shown]
            if PRIMARY in first:
                line += (
                    [columns.cell(board, control, PRIMARY), word(board, row, control)]
                    if control
                    else ["", ""]
                )
            lines.append(line)
    return titles, lines
