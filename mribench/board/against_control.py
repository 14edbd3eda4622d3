"""What a board's numbers allow to say: one word for each row, and the sentence built from it."""

from __future__ import annotations

from mribench.board.boards import PRIMARY, Board
from mribench.board.differences import Difference, corrected, difference
from mribench.board.ranks import why_unranked
from mribench.board.rows import Address, Entry, Row
from mribench.metrics.significance import LEVEL

CONTROL = "gaussian"
SENTENCES = {
    "ahead": "is ahead of {other}",
    "behind": "is behind {other}",
    "not told apart": "cannot be told apart from {other}",
    "no interval": "cannot be compared with {other}, an interval is missing",
}


def against_control(board: Board, control: str = CONTROL, address: Address = PRIMARY) -> list[str]:
    """One honest sentence for each trained row; none where a number is missing or the board ranks nothing."""
    other, sentences = board.row(control), []
    for row in board.rows:
        said = other and SENTENCES.get(word(board, row, other, address))
        if row.is_control or not said:
            continue
        ours, theirs = row.entries[address].value, other.entries[address].value
        verdict = said.format(other=f"the {control} control")
        sentences.append(f"{row.name} {verdict}: KD[{address[1]}] {ours:.1f} against {theirs:.1f}.")
    return sentences


def word(board: Board, row: Row, control: Row, address: Address = PRIMARY) -> str:
    """'ahead', 'behind', 'not told apart', 'no interval' or 'not ranked'; empty where a number is missing.

    Less is better. Decided by the paired difference on the same test subjects, corrected over the trained rows of
    the board; by overlapping intervals in records that hold no values per subject; by nothing without intervals.
    """
    ours, theirs = row.entries.get(address), control.entries.get(address)
    if ours is None or theirs is None or ours.value is None or theirs.value is None:
        return ""
    # intervals over few subjects, or over files that may share a person, say nothing; nor does an invalid board
    if why_unranked(board):
        return "not ranked"
    if None in (ours.low, ours.high, theirs.low, theirs.high):
        return "no interval"
    paired = _paired(board, control, address).get(row.name)
    apart = paired.adjusted < LEVEL if paired else not _overlap(ours, theirs)
    if not apart:
        return "not told apart"
    return "ahead" if ours.value < theirs.value else "behind"


def _paired(board: Board, control: Row, address: Address) -> dict[str, Difference]:
    found = (difference(row, control, address) for row in board.rows if not row.is_control)
    return {one.first: one for one in corrected([one for one in found if one])}


def _overlap(ours: Entry, theirs: Entry) -> bool:
    return ours.low <= theirs.high and theirs.low <= ours.high
