"""What a board's numbers allow to say: one word for each row, and the sentence built from it."""

from __future__ import annotations

from mribench.leaderboard import PRIMARY, Address, Board, Entry, Row
from mribench.ranks import why_unranked

CONTROL = "gaussian"
SENTENCES = {
    "ahead": "is ahead of {other}",
    "behind": "is behind {other}",
    "not told apart": "cannot be told apart from {other}, the intervals overlap",
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

    Less is better. Overlapping intervals decide nothing, and without intervals nothing is decided.
    """
    ours, theirs = row.entries.get(address), control.entries.get(address)
    if ours is None or theirs is None or ours.value is None or theirs.value is None:
        return ""
    # intervals over few subjects, or over files that may share a person, say nothing; nor does an invalid board
    if why_unranked(board):
        return "not ranked"
    if None in (ours.low, ours.high, theirs.low, theirs.high):
        return "no interval"
    if _overlap(ours, theirs):
        return "not told apart"
    return "ahead" if ours.value < theirs.value else "behind"


def _overlap(ours: Entry, theirs: Entry) -> bool:
    return ours.low <= theirs.high and theirs.low <= ours.high
