"""Where the controls must land. A board on which one lands elsewhere measures something else than it says."""

from __future__ import annotations

from mribench.board.boards import Board
from mribench.board.differences import difference
from mribench.board.rows import Address, Entry
from mribench.results import called
from mribench.spec import AuditVerdict

NOISE, REPLAY = "noise", "train-replay"
# each must be told apart from real training images
WORSE_THAN_REAL = {
    "gaussian": "second-order statistics alone must not pass for real images",
    "blur": "blurred images must not pass for real ones",
    "mode-collapse": "a few images repeated must not pass for the whole set",
}


def violations(board: Board) -> list[str]:
    """One sentence for each control that lands where it must not; a board with any is invalid and ranks nothing.

    Two things hold on any board: noise is last, and an audit that can say something sees the replay. The others need
    test subjects enough to tell images apart: of fewer than 20, or unknown ones, nothing is ranked and a control that
    cannot be told apart says only that they are few. Intervals are those over the test subjects, because two or three
    seeds of a control that learns nothing would only widen them.
    """
    address = board.primary
    if address is None:
        return []
    values = {r.variant: r.entries[address] for r in board.rows if r.is_control and address in r.entries}
    known = {name: entry for name, entry in values.items() if entry.value is not None}
    said = _noise(known, address)
    if board.why_unranked is None:
        said += _against_real(known, board, address)
    replay = board.row(REPLAY)
    if replay and replay.audit == AuditVerdict.NOT_DETECTED:
        said.append(
            f"{REPLAY} copies its training images, but the memorisation audit says {replay.audit!r} of it"
        )
    return said


def ceiling(board: Board, address: Address) -> float | None:
    """The most that real images score in a model's place, with their interval: training images, or a half of the
    test subjects against the other."""
    floor = board.floor_of(address)
    numbers = [floor.get(name) for name in ("train_high", "half_high")]
    return max((n for n in numbers if n is not None), default=None)


def _noise(known: dict[str, Entry], address: Address) -> list[str]:
    noise = known.get(NOISE)
    if noise is None:
        return []
    return [
        f"{name} ({entry.value:.4g}) is not better than {NOISE} ({noise.value:.4g}) in {called(*address[:2])}, but "
        "nothing is further from an image than independent pixels"
        for name, entry in known.items()
        if name != NOISE and entry.value >= noise.value
    ]


def _against_real(known: dict[str, Entry], board: Board, address: Address) -> list[str]:
    said = []
    for name, why in WORSE_THAN_REAL.items():
        if name in known and not _behind_real(board, name, address):
            said.append(
                f"{name} ({_interval(known[name])}) cannot be told apart from real training images "
                f"({_interval(board.real_train.entries[address])}) in {called(*address[:2])}, but {why}"
            )
    most, replay = ceiling(board, address), known.get(REPLAY)
    if replay and most is not None and replay.within_low is not None and replay.within_low > most:
        said.append(
            f"{REPLAY} ({_interval(replay)}) is worse than real images (up to {most:.4g}) in "
            f"{called(*address[:2])}, but it is made of real images"
        )
    return said


def _behind_real(board: Board, name: str, address: Address) -> bool:
    """Is a control told apart from real training images? True also where the records cannot tell."""
    real = board.real_train
    if real is None or address not in real.entries:
        return True
    found = difference(board.row(name), real, address, over_seeds=False)
    if found:
        return found.low > 0
    ours, theirs = board.row(name).entries[address].within_low, real.entries[address].high
    return ours is None or theirs is None or ours > theirs


def _interval(entry: Entry) -> str:
    bounds = "" if entry.within_low is None else f" [{entry.within_low:.4g}, {entry.within_high:.4g}]"
    return f"{entry.value:.4g}{bounds}"
