"""What the boards allow to say, in words. Every sentence follows from numbers by the rule of one function here.

Nothing is said of boards that rank nothing but why; organs are compared on scales of their own only: 0 is what real
training images score, 1 what the Gaussian control scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mribench.board.against_control import CONTROL, word
from mribench.board.boards import Board
from mribench.board.control_checks import violations
from mribench.board.differences import difference
from mribench.board.ranks import standings, why_unranked
from mribench.board.rows import Address, Row
from mribench.metrics.significance import LEVEL, kendall_tau
from mribench.results import called

AGREE = 0.8  # Kendall's tau from which two orders are called alike
FEWEST_ROWS = 3
SIDE = {"ahead": "ahead of", "behind": "behind"}


@dataclass(frozen=True)
class Position:
    """Where a row stands between real training images (0) and the Gaussian control (1) of its own board."""

    organ: str
    value: float
    low: float
    high: float

    @property
    def words(self) -> str:
        return f"{self.organ} {self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def sections(boards: Sequence[Board]) -> list[tuple[str, list[str]]]:
    """Heading and sentences of each part that has something to say, in order."""
    rules: dict[str, Callable[[Sequence[Board]], Iterator[str]]] = {
        "What may be read": readable,
        "Against the Gaussian control": against_gaussian,
        "Which organs came out nearer to real images": easier,
        "Where the numbers disagree": disagreements,
        "What is not known": unknown,
    }
    found = [(heading, list(dict.fromkeys(rule(boards)))) for heading, rule in rules.items()]
    return [(heading, sentences) for heading, sentences in found if sentences]


def readable(boards: Sequence[Board]) -> Iterator[str]:
    """Invalid boards and boards that only describe, with the reason."""
    for board in boards:
        if said := violations(board):
            yield f"{_title(board)}: the board is invalid and nothing is read from it, because {said[0]}."
        elif reason := why_unranked(board):
            yield f"{_title(board)}: a description, not a ranking ({reason})."


def against_gaussian(boards: Sequence[Board]) -> Iterator[str]:
    """Per trained row: on which boards it is ahead of, behind, or not told apart from the Gaussian control."""
    for name, group in _by_row(boards).items():
        said: dict[str, list[str]] = {}
        floor = []
        for board, row in group:
            control = board.row(CONTROL)
            verdict = control and board.primary and word(board, row, control, board.primary)
            if verdict in ("ahead", "behind", "not told apart"):
                said.setdefault(verdict, []).append(_organ(board))
            if standings(board)[row.name].at_floor:
                floor.append(_organ(board))
        phrases = {key: f"{words} it" for key, words in SIDE.items()} | {
            "not told apart": "not told apart from it"
        }
        parts = [f"{words} in {', '.join(said[key])}" for key, words in phrases.items() if key in said]
        if parts:
            yield f"{name}: {'; '.join(parts)}."
        if floor:
            yield f"{name} reaches the floor in {', '.join(floor)}: no finer ranking is possible there."


def easier(boards: Sequence[Board]) -> Iterator[str]:
    """Order of the organs for one row under one budget; a claim only where intervals do not overlap."""
    for name, group in _by_row(boards).items():
        found = [p for board, row in group if (p := position(board, row))]
        if len(found) < 2:
            continue
        found.sort(key=lambda p: p.value)
        order = ", ".join(p.words for p in found)
        yield f"{name}, from real training images (0) to the Gaussian control (1): {order}."
        clear = [(a, b) for i, a in enumerate(found) for b in found[i + 1 :] if a.high < b.low]
        if not clear:
            yield f"{name}: the intervals of all organs overlap, none is shown to be easier."
            continue
        nearer: dict[str, list[str]] = {}
        for a, b in clear:
            nearer.setdefault(a.organ, []).append(b.organ)
        claims = "; ".join(f"in {a} than in {', '.join(others)}" for a, others in nearer.items())
        yield (
            f"{name} came out nearer to real images {claims}; other pairs of organs are not told apart. This is how "
            "far one budget got on each scale, not how hard an organ is in itself."
        )


def position(board: Board, row: Row) -> Position | None:
    """(KD - floor) / (KD of the Gaussian control - floor), its bounds from the bounds of both, which is wider than
    95 %; None on boards that rank nothing, without an interval, or where the control is not clear of the floor."""
    control, address = board.row(CONTROL), board.primary
    floor = board.floor_of(address).get("train_test") if address else None
    if why_unranked(board) or control is None or floor is None:
        return None
    ours, theirs = row.entries.get(address), control.entries.get(address)
    if ours is None or theirs is None or ours.low is None or theirs.within_low is None:
        return None
    scale = theirs.within_low - floor, theirs.within_high - floor
    if scale[0] <= 0:
        return None
    low, high = ours.low - floor, ours.high - floor
    # the bound of the control that moves each bound of the quotient outwards
    bounds = low / scale[1 if low > 0 else 0], high / scale[1 if high < 0 else 0]
    return Position(_organ(board), (ours.value - floor) / (theirs.value - floor), *bounds)


def disagreements(boards: Sequence[Board]) -> Iterator[str]:
    """Feature spaces that order the rows differently; a paired metric against KD; controls that lead one."""
    for board in boards:
        if violations(board):
            continue
        yield from _spaces(board)
        if not why_unranked(board):
            yield from _paired_against_kernel(board)


def _spaces(board: Board) -> Iterator[str]:
    kernel = [a for a in board.addresses if board.primary and a[0] == board.primary[0] and a != board.primary]
    for other in kernel:
        pairs = [_values(row, board.primary, other) for row in board.rows]
        known = [pair for pair in pairs if None not in pair]
        if len(known) < FEWEST_ROWS:
            continue
        tau = kendall_tau(*map(list, zip(*known, strict=True)))
        if tau is not None and tau < AGREE:
            yield (
                f"{_title(board)}: {called(*board.primary[:2])} and {called(*other[:2])} put the {len(known)} rows in "
                f"different orders (Kendall's tau {tau:.2f}); ranks follow the first."
            )


def _values(row: Row, *addresses: Address) -> list[float | None]:
    entries = [row.entries.get(address) for address in addresses]
    return [entry.value if entry else None for entry in entries]


def _paired_against_kernel(board: Board) -> Iterator[str]:
    control = board.row(CONTROL)
    if control is None or board.primary is None:
        return
    for row in board.rows:
        verdict = "" if row.is_control else word(board, row, control, board.primary)
        if verdict not in ("ahead", "behind"):
            continue
        opposite: dict[float, list[str]] = {}
        for address in board.addresses:
            direction = next(r.metrics[address[0]] for r in board.members if address[0] in r.metrics)[
                "direction"
            ]
            if address[2] is None or direction not in ("up", "down"):
                continue
            found = difference(row, control, address)
            if (
                found
                and found.p < LEVEL
                and ((found.value > 0) == (direction == "up")) != (verdict == "ahead")
            ):
                opposite.setdefault(address[2], []).append(address[0].upper())
        if opposite:
            where = "; ".join(f"at ᾱ {level:.2f} by {', '.join(names)}" for level, names in opposite.items())
            yield (
                f"{_title(board)}: by {called(*board.primary[:2])} {row.name} is {SIDE[verdict]} the {CONTROL} "
                f"control, and the other way round {where}: paired numbers reward the average of "
                "what is possible, the kernel distance what is typical."
            )


def unknown(boards: Sequence[Board]) -> Iterator[str]:
    """Single seeds, missing floors, missing audits."""
    trained = [(board, row) for board in boards for row in board.rows if not row.is_control]
    single = sorted({row.name for _, row in trained if len(row.seeds) == 1})
    if single:
        yield f"{', '.join(single)}: boards with a single seed do not tell how much another training would differ."
    if any(not board.floor for board in boards):
        organs = "; ".join(dict.fromkeys(_title(board) for board in boards if not board.floor))
        yield f"{organs}: the records hold no noise floor."
    unaudited = sorted({row.name for _, row in trained if row.audit is None})
    if unaudited:
        yield f"{', '.join(unaudited)}: without a memorisation audit nothing is known of copied training subjects."


def _by_row(boards: Sequence[Board]) -> dict[str, list[tuple[Board, Row]]]:
    """Trained rows of boards that rank, grouped by what may be said together: name, data kind, profile and budget."""
    groups: dict[tuple[str, ...], list[tuple[Board, Row]]] = {}
    for board in boards:
        if why_unranked(board) is None:
            c = board.comparability
            for row in board.rows:
                if not row.is_control:
                    key = row.name, str(c["data_kind"]), str(c["profile"]), str(c.get("budget"))
                    groups.setdefault(key, []).append((board, row))
    return {f"{name} ({kind}, {profile})": group for (name, kind, profile, _), group in groups.items()}


def _organ(board: Board) -> str:
    return board.members[0].data["title"]


def _title(board: Board) -> str:
    c = board.comparability
    return f"{_organ(board)}, {c['data']}, {c['profile']}"
