"""What stands in the cells of a board's tables, on the page and on the screen alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mribench.board.boards import Board
from mribench.board.ranks import standings, why_unranked
from mribench.board.rows import Address, Entry, Row
from mribench.results import metric_label

HEADLINE_LEVEL = 0.52409  # t = 250 of the linear schedule: half signal, half noise
DIGITS = {"dB": 2, "1e-3": 1}
ARROWS = {"up": "↑", "down": "↓", "zero": "→0"}
REAL_TRAIN, HALVES = "real train", "half against half"


@dataclass(frozen=True)
class Line:
    """One line of a table. kind ``real``: real images in a model's place, which contest nothing; row is then None."""

    kind: Literal["trained", "control", "real"]
    cells: list[str]
    row: Row | None = None


def one_line(board: Board) -> str:
    """What a board is of, in one line."""
    c, data = board.comparability, board.members[0].data
    reason = why_unranked(board)
    few = f", {reason}: not a ranking" if reason else ""
    return f"{data['title']} ({data['contrast']}), {c['data']}, {c['profile']}, {c['resolution']} px{few}"


def subjects(n: int, which: str = "") -> str:
    """'1 subject', '4 test subjects'."""
    return f"{n} {which}subject{'' if n == 1 else 's'}"


def headline(board: Board) -> tuple[list[str], list[Line]]:
    """Titles, and the lines: trained variants, controls, real images; paired metrics at the headline level, cost."""
    shown = headline_addresses(board)
    titles = ["rank", "variant", "seeds", *(title(board, a) for a in shown)]
    titles += ["NFE", "train images", "train s", "notes"]
    places = standings(board)
    lines = []
    for row in board.rows:
        place = places[row.name]
        numbers = [cell(board, row, address) for address in shown]
        cells = [place.words, row.name, seeds(row), *numbers, *cost(row), ", ".join(place.notes)]
        lines.append(Line("control" if row.is_control else "trained", cells, row))
    return titles, lines + [
        Line("real", ["", name, "", *numbers, "", "", "", ""]) for name, numbers in real(board, shown)
    ]


def real(board: Board, shown: list[Address]) -> list[tuple[str, list[str]]]:
    """Real images in a model's place, in the columns shown: training images, and halves of the test subjects."""
    if not board.floor:
        return []
    lines = []
    for name, entries in ((REAL_TRAIN, floor_entry), (HALVES, halves_entry)):
        found = [(address, entries(board.floor_of(address), board)) for address in shown]
        units = [metric(board, address[0])["unit"] for address in shown]
        numbers = [number(e, unit) if e else "" for (_, e), unit in zip(found, units, strict=True)]
        if any(numbers):
            lines.append((name, numbers))
    return lines


def floor_entry(floor: dict[str, Any], board: Board) -> Entry | None:
    """The real training images as a row would show them; None where there is no number."""
    if floor.get("train_test") is None:
        return None
    about = floor["n"], floor["n_reference"], board.members[0].data["subjects"]["test"]
    return Entry(floor["train_test"], None, floor.get("train_low"), floor.get("train_high"), (), *about)


def halves_entry(floor: dict[str, Any], board: Board) -> Entry | None:
    """One half of the test subjects against the other: mean and 95 % band of single splits."""
    if floor.get("half_mean") is None:
        return None
    about = floor["n_half"], floor["n_half"], board.members[0].data["subjects"]["test"] // 2
    return Entry(floor["half_mean"], None, floor["half_low"], floor["half_high"], (), *about)


def headline_addresses(board: Board) -> list[Address]:
    """Columns of the headline: distribution metrics, and the paired ones at one level; what a metric calls not
    ``headline`` stands in a table of its own."""
    level = _headline_level(board)
    found = [a for a in board.addresses if a[2] is None or a[2] == level]
    return [a for a in found if metric(board, a[0]).get("headline", True)]


def more_addresses(board: Board) -> list[Address]:
    """What the headline leaves out and no table by noise level shows."""
    return [a for a in board.addresses if a[2] is None and not metric(board, a[0]).get("headline", True)]


def _headline_level(board: Board) -> float | None:
    levels = [a[2] for a in board.addresses if a[2] is not None]
    return min(levels, key=lambda level: abs(level - HEADLINE_LEVEL), default=None)


def metric(board: Board, name: str) -> dict[str, Any]:
    """Title, unit and direction of a metric, as the records of the board say."""
    return next(r.metrics[name] for r in board.members if name in r.metrics)


def title(board: Board, address: Address) -> str:
    """Heading of a column: metric, space, level, unit, and which way is better."""
    name, space, level = address
    about = metric(board, name)
    word, bracket, rest = metric_label(name, space).partition("[")
    label = word.upper() + bracket + rest + ("" if level is None else f" @ᾱ {level:.2f}")
    unit = f" ({about['unit']})" if about["unit"] else ""
    return f"{label}{unit} {ARROWS[about['direction']]}"


def cell(board: Board, row: Row, address: Address) -> str:
    """The number of a row in a column; empty where there is none."""
    entry = row.entries.get(address)
    return "" if entry is None or entry.value is None else number(entry, metric(board, address[0])["unit"])


def number(entry: Entry, unit: str) -> str:
    """'0.713 ± 0.004 [0.702, 0.724]'; the spread only where there are several seeds."""
    digits = DIGITS.get(unit, 4 if abs(entry.value) < 1 else 2)
    spread = f" ± {entry.spread:.{digits}f}" if entry.spread is not None else ""
    interval = f" [{entry.low:.{digits}f}, {entry.high:.{digits}f}]" if entry.low is not None else ""
    return f"{entry.value:.{digits}f}{spread}{interval}"


def seeds(row: Row) -> str:
    """'3 (0, 1, 2)': how many, and which."""
    return f"{len(row.seeds)} ({', '.join(map(str, row.seeds))})"


def cost(row: Row) -> list[str]:
    """NFE per generated image (empty where none was generated), training images seen, training seconds."""
    # a reconstruction starts on the way: its NFE is that of a level, not of the sampler
    generation = next((r for r in row.results if r.task == "generation"), None)
    training = (generation or row.results[0]).provenance.get("training")
    nfe = (generation.provenance.get("produced") or {}).get("nfe") if generation else None
    if not training:
        return ["0", "0", "0"]
    return [str(nfe[0]) if nfe else "", f"{training['images_seen']:,}", f"{training['seconds']:.0f}"]
