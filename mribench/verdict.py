"""What a board's numbers allow to say, in sentences."""

from __future__ import annotations

from mribench.leaderboard import Address, Board, Entry, Row


def against_control(
    board: Board, control: str = "gaussian", address: Address = ("kd", "hc85-v1", None)
) -> list[str]:
    """For each trained row one honest sentence: ahead of the control, behind it, or not to be told apart."""
    other = board.row(control)
    # intervals over files that may share a person say nothing
    if not board.subjects_known or other is None or address not in other.entries or other.entries[address].value is None:
        return []
    theirs, sentences = other.entries[address], []
    for row in board.rows:
        ours = row.entries.get(address)
        if row.is_control or ours is None or ours.value is None:
            continue
        numbers = f"KD[{address[1]}] {ours.value:.1f} against {theirs.value:.1f}"
        sentences.append(f"{row.name} {_verdict(ours, theirs, f'the {control} control')}: {numbers}.")
    return sentences


def word_against(row: Row, control: Row, address: Address) -> str:
    """'ahead', 'behind' or 'not told apart'; empty where a number is missing."""
    ours, theirs = row.entries.get(address), control.entries.get(address)
    if ours is None or theirs is None or ours.value is None or theirs.value is None:
        return ""
    if None not in (ours.low, ours.high, theirs.low, theirs.high) and _overlap(ours, theirs):
        return "not told apart"
    return "ahead" if ours.value < theirs.value else "behind"


def _overlap(ours: Entry, theirs: Entry) -> bool:
    return ours.low <= theirs.high and theirs.low <= ours.high


def _verdict(ours: Entry, theirs: Entry, other: str) -> str:
    """Less is better. Overlapping intervals decide nothing; without intervals the words say so."""
    if None in (ours.low, ours.high, theirs.low, theirs.high):
        side = "ahead of" if ours.value < theirs.value else "behind"
        return f"is {side} {other}, without intervals to say how surely"
    if _overlap(ours, theirs):
        return f"cannot be told apart from {other}, the intervals overlap"
    return f"is {'ahead of' if ours.value < theirs.value else 'behind'} {other}"
