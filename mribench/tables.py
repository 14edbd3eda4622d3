"""What stands in the cells of a board's tables, on the page and on the screen alike."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from mribench.leaderboard import Address, Board, Entry, Row
from mribench.results import called

HEADLINE_LEVEL = 0.52409  # t = 250 of the linear schedule: half signal, half noise
FEW_SUBJECTS = 20  # below this an interval over subjects says little
DIGITS = {"dB": 2, "1e-3": 1}
ARROWS = {"up": "↑", "down": "↓", "zero": "→ 0"}


def one_line(board: Board) -> str:
    """What a board is of, in one line."""
    c, data = board.comparability, board.members[0].data
    n = data["subjects"]["test"]
    few = f", only {subjects(n, 'test ')}: not a ranking" if n < FEW_SUBJECTS else ""
    few = few if board.subjects_known else ", subjects unknown: not a ranking"
    return f"{data['title']} ({data['contrast']}), {c['data']}, {c['profile']}, {c['resolution']} px{few}"


def ranked(board: Board) -> bool:
    """False where intervals over the test subjects say nothing: too few of them, or unknown who they are."""
    return board.subjects_known and board.members[0].data["subjects"]["test"] >= FEW_SUBJECTS


def subjects(n: int, which: str = "") -> str:
    """'1 subject', '4 test subjects'."""
    return f"{n} {which}subject{'' if n == 1 else 's'}"


def headline(
    board: Board, name: Callable[[Row], str] = attrgetter("name")
) -> tuple[list[str], list[list[str]]]:
    """Titles, and one line per variant and sampler: paired metrics at the headline level, then the cost.

    name: writes a row's name where the table is shown; a page marks controls in it.
    """
    shown = headline_addresses(board)
    titles = ["variant", "seeds", *(title(board, a) for a in shown), "NFE", "train images", "train s"]
    lines = [
        [name(row), seeds(row), *(cell(board, row, address) for address in shown), *_cost(row)]
        for row in board.rows
    ]
    return titles, lines


def headline_addresses(board: Board) -> list[Address]:
    """Columns of the headline: metrics that ask for it, the paired ones at one level of noise."""
    level = _headline_level(board)
    return [
        a for a in addresses(board) if a[2] in (None, level) and _metric(board, a[0]).get("headline", True)
    ]


def addresses(board: Board) -> list[Address]:
    """Metric, space and level of every column, in the order of the results."""
    return list(dict.fromkeys(address for row in board.rows for address in row.entries))


def _headline_level(board: Board) -> float | None:
    levels = [a[2] for a in addresses(board) if a[2] is not None]
    return min(levels, key=lambda level: abs(level - HEADLINE_LEVEL), default=None)


def _metric(board: Board, name: str) -> dict[str, Any]:
    return next(r.metrics[name] for r in board.members if name in r.metrics)


def title(board: Board, address: Address) -> str:
    """Heading of a column: metric, space, level, unit, and which way is better."""
    name, space, level = address
    about = _metric(board, name)
    word, bracket, rest = called(name, space).partition("[")
    label = word.upper() + bracket + rest + ("" if level is None else f" @ᾱ {level:.2f}")
    unit = f" ({about['unit']})" if about["unit"] else ""
    return f"{label}{unit} {ARROWS[about['direction']]}"


def cell(board: Board, row: Row, address: Address) -> str:
    """The number of a row in a column; empty where there is none."""
    entry = row.entries.get(address)
    return "" if entry is None or entry.value is None else number(entry, _metric(board, address[0])["unit"])


def number(entry: Entry, unit: str) -> str:
    """'0.713 ± 0.004 [0.702, 0.724]'; the spread only where there are several seeds."""
    digits = DIGITS.get(unit, 4 if abs(entry.value) < 1 else 2)
    spread = f" ± {entry.spread:.{digits}f}" if entry.spread is not None else ""
    interval = f" [{entry.low:.{digits}f}, {entry.high:.{digits}f}]" if entry.low is not None else ""
    return f"{entry.value:.{digits}f}{spread}{interval}"


def seeds(row: Row) -> str:
    """'3 (0, 1, 2)': how many, and which."""
    used = sorted({result.seed for result in row.results})
    return f"{len(used)} ({', '.join(map(str, used))})"


def _cost(row: Row) -> list[str]:
    """NFE per generated image (empty where none was generated), training images seen, training seconds."""
    # a reconstruction starts on the way: its NFE is that of a level, not of the sampler
    generation = next((r for r in row.results if r.task == "generation"), None)
    training = (generation or row.results[0]).provenance.get("training")
    nfe = (generation.provenance.get("produced") or {}).get("nfe") if generation else None
    if not training:
        return ["0", "0", "0"]
    return [str(nfe[0]) if nfe else "", f"{training['images_seen']:,}", f"{training['seconds']:.0f}"]
