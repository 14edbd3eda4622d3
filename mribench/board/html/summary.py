"""The top of the page: what was computed, and one line for each organ and trained variant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mribench.board.html import strips
from mribench.board.html.pictures import Image, Picture, first_images
from mribench.board.html.strips import Axis, Interval
from mribench.board.html.values import BLANK, BoardView, MetricColumn, Number, RowView
from mribench.board.rows import Address

DATA_KINDS = {"phantom": "phantoms, no patients", "real": "real images"}


@dataclass(frozen=True)
class Line:
    """One trained variant on one board."""

    board: BoardView
    row: RowView
    which: str  # the variant; where an organ has several boards, also what they are of
    lead: Number  # the number that ranks on its board
    ranked_by: str  # which one, where not all boards rank by the same; else empty
    others: tuple[Number, ...]
    images: Image | None  # the first generated ones


@dataclass(frozen=True)
class Summary:
    lead: MetricColumn | None  # heading of the first number
    others: tuple[MetricColumn, ...]  # headings of the others
    lines: tuple[Line, ...]

    @property
    def has_images(self) -> bool:
        return any(line.images for line in self.lines)


def summary(boards: Sequence[BoardView], pictures: Mapping[str, Sequence[Picture]]) -> Summary:
    """The table of all trained rows, the number that ranks drawn on one scale.

    Args:
        boards: All boards of the page.
        pictures: Pictures of each board, by its id.
    """
    first = next((board for board in boards if board.primary), None)
    lead = first.primary if first else None
    others = _others(boards, lead)
    several_rank = len({board.primary for board in boards if board.primary}) > 1
    axis = strips.scale([0.0, *(v for board in boards for v in _extent(board, board.primary or lead))])
    several = Counter(board.modality for board in boards)
    lines = [
        Line(
            board=board,
            row=row,
            which=f"{row.name}, {board.data}, {board.profile}" if several[board.modality] > 1 else row.name,
            lead=_lead(board, row, board.primary or lead, axis),
            ranked_by=_ranked_by(board) if several_rank else "",
            others=tuple(_number(board, row, address) for address in others),
            images=first_images(pictures[board.id], row.name),
        )
        for board in boards
        for row in board.trained
    ]
    heading = _heading(first.column(lead) if first else None, several_rank)
    return Summary(heading, tuple(others.values()), tuple(lines))


def _ranked_by(board: BoardView) -> str:
    column = board.column(board.primary)
    return column.name if column else ""


def _heading(column: MetricColumn | None, several_rank: bool) -> MetricColumn | None:
    """Of the first number; where boards rank by several numbers, each cell names its own."""
    if column is None or not several_rank:
        return column
    return replace(column, title="number that ranks", help="each board ranks by the number named in its cell")


def _number(board: BoardView, row: RowView, address: Address | None) -> Number:
    column = board.column(address)
    return column.numbers[row.name] if column else BLANK


def _lead(board: BoardView, row: RowView, address: Address | None, axis: Axis | None) -> Number:
    """The number drawn beside the Gaussian control and real images."""
    column = board.column(address)
    if column is None:
        return BLANK
    gaussian = column.numbers[board.gaussian].value if board.gaussian else None
    return column.numbers[row.name].drawn(axis, "trained", _as_good_as_real(column), gaussian)


def _as_good_as_real(column: MetricColumn) -> Interval | None:
    """From the lowest to the highest that real images score in a model's place."""
    train, halves = column.real_train.interval, column.halves.interval
    highest = max((interval[1] for interval in (train, halves) if interval), default=None)
    return None if highest is None else (min(halves[0] if halves else 0.0, highest), highest)


def _extent(board: BoardView, address: Address | None) -> list[float]:
    """What the common scale must hold: trained rows, the Gaussian control, real images; noise is far off it."""
    column = board.column(address)
    if column is None:
        return []
    rows = [row.name for row in board.rows if row.kind == "trained" or row.name == board.gaussian]
    shown = [*(column.numbers[name] for name in rows), column.real_train, column.halves]
    return [v for number in shown for v in number.extent]


def _others(boards: Sequence[BoardView], lead: Address | None) -> dict[Address, MetricColumn]:
    """Further headline columns in which any trained row has a number; where boards rank by several numbers, all."""
    shown = {lead} if all(board.primary in (lead, None) for board in boards) else set()
    others: dict[Address, MetricColumn] = {}
    for board in boards:
        for address in board.headline_addresses:
            numbers = board.columns[address].numbers
            if address not in shown and any(numbers[row.name].value is not None for row in board.trained):
                others.setdefault(address, board.columns[address])
    return others


def facts(boards: Sequence[BoardView]) -> list[tuple[str, str]]:
    """Name and value of what was computed, on what, and on how few subjects."""
    results = [result for board in boards for result in board.results]
    trained = {
        r.provenance.get("checkpoint") or (r.modality, r.variant, r.seed): r.provenance["training"]
        for r in results
        if r.provenance.get("training")
    }
    produced = [r.provenance.get("produced") or {} for r in results]
    sampling = sum((p.get("seconds") or 0) + (p.get("seconds_scoring") or 0) for p in produced)
    devices = sorted({m["device"] for r in results if (m := r.provenance.get("machine"))})
    seeds = sorted({r.seed for r in results if not r.is_control})
    kinds = sorted({str(r.comparability["data_kind"]) for r in results})
    return [
        ("organs", str(len({board.modality for board in boards}))),
        ("data", " and ".join(DATA_KINDS.get(kind, kind) for kind in kinds)),
        ("test subjects per organ", _span(board.test_subjects for board in boards)),
        ("training seeds", f"{len(seeds)} ({', '.join(map(str, seeds))})" if seeds else "none"),
        ("trainings", str(len(trained))),
        ("training time", _time(sum(t.get("seconds") or 0 for t in trained.values()))),
        ("sampling and scoring time", _time(sampling)),
        ("profiles", ", ".join(sorted({board.profile for board in boards}))),
        ("devices", "; ".join(devices) or "not recorded"),
    ]


def _span(values: Iterable[int]) -> str:
    known = sorted(values)
    return str(known[0]) if known[0] == known[-1] else f"{known[0]} to {known[-1]}"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
