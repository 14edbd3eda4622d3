"""Quality against cost, one drawing for each organ and kind of cost; ``chart.svg`` prints it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from string import ascii_lowercase
from typing import Any

from mribench.board.html.strips import Axis, Interval, linear_axis, log_axis, pixels, tick_label
from mribench.board.html.values import BoardView, MetricColumn, RowView

WIDTH, HEIGHT = 340, 236
LEFT, RIGHT, TOP, BOTTOM = 52, WIDTH - 14, 12, HEIGHT - 44  # of the area between the axes
LETTERS = [
    *ascii_lowercase,
    *(a + b for a in ascii_lowercase for b in ascii_lowercase),
]  # as <ol type="a"> counts
LETTER, LINE = 9.0, 11.0  # room that the letter of a point takes


@dataclass(frozen=True)
class Point:
    """A row in units of cost and quality."""

    name: str
    cost: float
    value: float
    interval: Interval | None = None
    remark: str = ""  # why it is not ranked; empty where it may be

    @property
    def ranked(self) -> bool:
        return not self.remark


@dataclass(frozen=True)
class Mark:
    """A point in pixels."""

    x: float
    y: float
    kind: str  # shape: trained or unranked
    whisker: tuple[float, float] | None  # the interval
    letter: str
    letter_at: tuple[float, float]


@dataclass(frozen=True)
class Level:
    """A horizontal line with a name."""

    kind: str
    name: str
    y: float
    text_y: float


@dataclass(frozen=True)
class Chart:
    id: str
    organ: str
    quality: str  # name of the vertical axis
    cost: str  # name of the horizontal axis
    points: list[Point]
    marks: list[Mark]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    levels: list[Level]
    band: tuple[float, float] | None  # top and height of what halves of the test subjects score
    front: str  # path through the points that no other beats

    # the drawing is as large as this, and its axes are there
    width, height, left, right, top, bottom = WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM


def nfe(row: RowView) -> float | None:
    """Network evaluations for one generated image."""
    evaluations = _produced(row).get("nfe")
    return float(evaluations[0]) if evaluations else None


def gflops(row: RowView) -> float | None:
    """GFLOPs for one generated image, a multiply-add counting twice."""
    steps, each = nfe(row), _produced(row).get("gflops_per_evaluation")
    return steps * each if steps and each else None


COSTS = (
    ("nfe", "NFE (network evaluations per image)", nfe),
    ("gflops", "GFLOPs per image (sampling)", gflops),
)


def _produced(row: RowView) -> dict[str, Any]:
    generation = next((r for r in row.results if r.task == "generation"), None)
    return (generation.provenance.get("produced") or {}) if generation else {}


def chart_rows(boards: Sequence[BoardView]) -> list[list[Chart]]:
    """Of one organ all drawings side by side; of several a row for each kind of cost."""
    known = [drawn for board in boards if (drawn := charts(board))]
    if len(known) < 2:
        return known
    return [[chart for chart in row if chart] for row in zip_longest(*known)]


def charts(board: BoardView) -> list[Chart]:
    """A drawing for each kind of cost that the records know."""
    column = board.column(board.primary)
    if column is None:
        return []
    drawn = []
    for kind, label, cost in COSTS:
        points = [point for row in board.trained if (point := _point(board, column, row, cost(row)))]
        if points:
            drawn.append(_chart(board, column, points, label, f"{board.id}-{kind}"))
    return drawn


def _point(board: BoardView, column: MetricColumn, row: RowView, cost: float | None) -> Point | None:
    number = column.numbers[row.name]
    if number.value is None or not cost:
        return None
    return Point(row.name, cost, number.value, number.interval, _remark(row, board))


def _remark(row: RowView, board: BoardView) -> str:
    if row.memorises:
        return f" ({row.memorises})"
    return " (invalid board)" if board.violations else ""


def _chart(board: BoardView, column: MetricColumn, points: list[Point], cost: str, anchor: str) -> Chart:
    real, halves = column.real_train.value, column.halves.interval
    gaussian = column.numbers[board.gaussian].value if board.gaussian else None
    lines = (("real", "real train", real), ("gaussian", "Gaussian control", gaussian))
    x = log_axis([p.cost for p in points], LEFT, RIGHT)
    values = [v for p in points for v in (p.value, *(p.interval or ()))]
    values += [v for v in (0.0, real, gaussian, *(halves or ())) if v is not None]
    y = linear_axis(values, BOTTOM, TOP, margin=0.06)
    levels = [(kind, name, y(value)) for kind, name, value in lines if value is not None]
    return Chart(
        id=anchor,
        organ=board.organ,
        quality=column.title,
        cost=cost,
        points=points,
        marks=_marks(points, x, y),
        x_ticks=[(x(tick), tick_label(tick)) for tick in x.ticks()],
        y_ticks=[(y(tick), tick_label(tick)) for tick in y.ticks()],
        # the name is above the line where there is room
        levels=[Level(kind, name, at, at - 4 if at > TOP + 14 else at + 13) for kind, name, at in levels],
        band=(y(halves[1]), max(y(halves[0]) - y(halves[1]), 2.0)) if halves else None,
        front=_front(pareto(points, 1 if board.less_is_better else -1), x, y),
    )


def pareto(points: Iterable[Point], sign: int = 1) -> list[Point]:
    """Of the ranked points those that no other beats or equals in both cost and value, by cost.

    sign: 1 where less is better in the value, -1 where more is.
    """
    front: list[Point] = []
    for point in sorted((p for p in points if p.ranked), key=lambda p: (p.cost, sign * p.value)):
        if not front or sign * point.value < sign * front[-1].value:
            front.append(point)
    return front


def _front(front: list[Point], x: Axis, y: Axis) -> str:
    """Steps from one point of the front to the next; empty for fewer than two."""
    if len(front) < 2:
        return ""
    start, *others = [(pixels(x(p.cost)), pixels(y(p.value))) for p in front]
    return f"M{start[0]} {start[1]}" + "".join(f"H{across}V{up}" for across, up in others)


def _marks(points: list[Point], x: Axis, y: Axis) -> list[Mark]:
    """Letters of points that crowd are put side by side."""
    marks: list[Mark] = []
    taken: list[tuple[float, float]] = []
    for point, letter in zip(points, LETTERS, strict=False):
        across, up = x(point.cost), y(point.value)
        whisker = (y(point.interval[0]), y(point.interval[1])) if point.interval else None
        right, base = across + 7, up - 5
        while any(abs(right - other) < LETTER and abs(base - level) < LINE for other, level in taken):
            right += LETTER
        taken.append((right, base))
        kind = "trained" if point.ranked else "unranked"
        marks.append(Mark(across, up, kind, whisker, letter, (right, base)))
    return marks
