"""Quality against cost, one drawing for each organ and kind of cost; ``chart.svg`` prints it.

Rows of one method that differ in the steps of its sampler alone are joined by a line. Methods have one letter each,
the same on all drawings of a section.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from string import ascii_lowercase

from mribench.board import privacy
from mribench.board.html.strips import Axis, linear_axis, log_axis, pixels, tick_label
from mribench.board.html.values import BoardView, MetricColumn, RowView
from mribench.board.pareto import COSTS, Point, pareto
from mribench.board.sampler_sweep import sampler_of

# what quality is drawn against: kind, title of the axis, cost of a row's results; privacy where some is promised
AXES = (*COSTS, ("epsilon", "ε (privacy of a training subject)", privacy.weakest))
WIDTH, HEIGHT = 340, 270
LEFT, RIGHT, TOP, BOTTOM = 52, WIDTH - 14, 12, HEIGHT - 44  # of the area between the axes
LETTERS = [
    *ascii_lowercase,
    *(a + b for a in ascii_lowercase for b in ascii_lowercase),
]  # as <ol type="a"> counts
LETTER, LINE = 11.0, 11.0  # room that the letter of a point takes
FAR = 5.0  # a factor from the points, beyond which references would take their room
BEYOND = 10.0  # a factor from the last finite cost to an infinite one
CROWD = 12  # points, above which intervals would hide each other


@dataclass(frozen=True)
class Mark:
    """A point in pixels."""

    x: float
    y: float
    kind: str  # shape: trained or unranked
    whisker: tuple[float, float] | None  # the interval
    letter: str  # empty where another point of the method carries it
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
    modality: str
    organ: str
    quality: str  # name of the vertical axis
    cost: str  # name of the horizontal axis
    points: list[Point]
    marks: list[Mark]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    levels: list[Level]
    band: tuple[float, float] | None  # top and height of what halves of the test subjects score
    curves: list[str]  # paths through the points of each method
    front: str  # path through the points that no other beats

    # the drawing is as large as this, and its axes are there
    width, height, left, right, top, bottom = WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM


@dataclass(frozen=True)
class Charts:
    """The drawings of a section, and the letters of their methods."""

    rows: list[list[Chart]]  # of one organ all side by side; of several a row for each kind of cost
    letters: Mapping[str, str]  # letter by method

    @property
    def key(self) -> list[tuple[str, str]]:
        return [(letter, method) for method, letter in self.letters.items()]


def quality_against_cost(boards: Sequence[BoardView]) -> Charts:
    """The trained rows of every board that has several, against each kind of cost that the records know.

    Of problems see ``solvers``.
    """
    boards = [board for board in boards if not board.poses_problem]
    points = {board.id: {kind: _points(board, kind) for kind, _, _ in AXES} for board in boards}
    letters = letters_of(p for of_board in points.values() for of_kind in of_board.values() for p in of_kind)
    known = []
    for board in boards:
        drawn = [
            chart(board, points[board.id][kind], label, f"{board.id}-{kind}", letters)
            for kind, label, _ in AXES
            if len(points[board.id][kind]) > 1 and any(math.isfinite(p.cost) for p in points[board.id][kind])
        ]
        known += [drawn] if drawn else []
    if len(known) < 2:
        return Charts(known, letters)
    return Charts([[one for one in row if one] for row in zip_longest(*known)], letters)


def letters_of(points: Iterable[Point]) -> Mapping[str, str]:
    """A letter for each method, in the order of their names."""
    methods = sorted({point.method for point in points})
    return dict(zip(methods, LETTERS, strict=False))


def _points(board: BoardView, kind: str) -> list[Point]:
    cost = next(of for name, _, of in AXES if name == kind)
    found = ((row, point_of(board, row, cost(row.results), row.method)) for row in board.trained)
    return [replace(point, series=sampler_of(row.sampler)) for row, point in found if point]


def point_of(board: BoardView, row: RowView, cost: float | None, method: str) -> Point | None:
    """A row by the number that ranks; None where it has none, or where its cost is not known."""
    column = board.column(board.primary)
    number = column.numbers[row.name] if column else None
    if number is None or number.value is None or not cost:
        return None
    return Point(row.name, cost, number.value, number.interval, _remark(row, board), method)


def _remark(row: RowView, board: BoardView) -> str:
    if row.memorises:
        return f" ({row.memorises})"
    return " (invalid board)" if board.violations else ""


def chart(board: BoardView, points: list[Point], cost: str, anchor: str, letters: Mapping[str, str]) -> Chart:
    """The drawing of some rows of a board, of which there is at least one, against one kind of cost."""
    column = board.column(board.primary)
    assert column is not None
    drawn, x, x_ticks = _cost_axis(points)
    y = _quality_axis(column, points, board)
    halves = column.halves.interval
    return Chart(
        id=anchor,
        modality=board.modality,
        organ=board.organ,
        quality=column.title,
        cost=cost,
        points=points,
        marks=marks(drawn, x, y, letters),
        x_ticks=x_ticks,
        y_ticks=[(y(tick), tick_label(tick)) for tick in y.ticks()],
        levels=_levels(board, column, y),
        band=(y(halves[1]), max(y(halves[0]) - y(halves[1]), 2.0)) if halves and halves[1] >= y.low else None,
        curves=curves(drawn, x, y),
        front=front_path(pareto(drawn, 1 if board.less_is_better else -1), x, y),
    )


def _cost_axis(points: Sequence[Point]) -> tuple[list[Point], Axis, list[tuple[float, str]]]:
    """The points where they are drawn, their axis and its ticks; infinite costs, of which not all are, stand at ∞."""
    finite = [p.cost for p in points if math.isfinite(p.cost)]
    if len(finite) == len(points):
        x = log_axis(finite, LEFT, RIGHT, 1.6)
        return list(points), x, [(x(tick), tick_label(tick)) for tick in x.ticks()]
    last = BEYOND * max(finite)
    x = log_axis([*finite, last], LEFT, RIGHT)
    # ticks between the last finite cost and ∞ would say that something is known there
    ticks = [(x(tick), tick_label(tick)) for tick in x.ticks() if tick <= 2 * max(finite)]
    return [replace(p, cost=min(p.cost, last)) for p in points], x, [*ticks, (x(last), "∞")]


def _quality_axis(column: MetricColumn, points: Sequence[Point], board: BoardView) -> Axis:
    """Logarithmic where all values are above 0, else linear."""
    values = [p.value for p in points]
    ends = [end for p in points for end in (p.interval or ()) if len(points) <= CROWD]
    known = [v for _, _, v in _references(board, column) if v is not None]
    if min(values) > 0:
        low, high = min(values) / FAR, max(values) * FAR
        return log_axis([*values, *(v for v in (*ends, *known) if low <= v <= high)], BOTTOM, TOP, 1.15)
    halves = column.halves.interval or ()
    return linear_axis([*values, *ends, *known, *halves, 0.0], BOTTOM, TOP, margin=0.06)


def _references(board: BoardView, column: MetricColumn) -> list[tuple[str, str, float | None]]:
    gaussian = column.numbers[board.gaussian].value if board.gaussian else None
    return [
        ("real", "real train", column.real_train.value),
        ("gaussian", f"{board.gaussian.capitalize()} control", gaussian),
    ]


def _levels(board: BoardView, column: MetricColumn, y: Axis) -> list[Level]:
    """Lines of real images and of the Gaussian control, where they are on the scale."""
    shown = [
        (kind, name, y(value))
        for kind, name, value in _references(board, column)
        if value is not None and y.low <= value <= y.high
    ]
    # the name is above the line where there is room
    return [Level(kind, name, at, at - 4 if at > TOP + 14 else at + 13) for kind, name, at in shown]


def curves(points: Iterable[Point], x: Axis, y: Axis) -> list[str]:
    """Straight lines through the points of each series by cost; none through a single point."""
    joined: dict[tuple[str, str], list[str]] = {}
    for p in sorted(points, key=lambda p: (p.cost, p.value)):
        joined.setdefault((p.method, p.series), []).append(f"{pixels(x(p.cost))} {pixels(y(p.value))}")
    return ["M" + "L".join(path) for path in joined.values() if len(path) > 1]


def front_path(front: list[Point], x: Axis, y: Axis) -> str:
    """Steps from one point of the front to the next; empty for fewer than two."""
    if len(front) < 2:
        return ""
    start, *others = [(pixels(x(p.cost)), pixels(y(p.value))) for p in front]
    return f"M{start[0]} {start[1]}" + "".join(f"H{across}V{up}" for across, up in others)


def marks(points: list[Point], x: Axis, y: Axis, letters: Mapping[str, str]) -> list[Mark]:
    """Points in pixels; letters that crowd are put side by side."""
    marks: list[Mark] = []
    taken: list[tuple[float, float]] = []
    lettered = _lettered(points, x, y)
    for point in sorted(points, key=lambda p: (p.cost, p.value)):
        across, up = x(point.cost), y(point.value)
        interval = point.interval if len(points) <= CROWD else None
        whisker = (y(interval[0]), y(interval[1])) if interval else None
        letter = letters.get(point.method, "") if point.name in lettered else ""
        right, base = across + 7, up + 4
        if letter:
            while any(abs(right - other) < LETTER and abs(base - level) < LINE for other, level in taken):
                right += LETTER
            taken.append((right, base))
        kind = "trained" if point.ranked else "unranked"
        marks.append(Mark(across, up, kind, whisker, letter, (right, base)))
    return marks


def _lettered(points: Iterable[Point], x: Axis, y: Axis) -> set[str]:
    """Names of points that carry their method's letter: each that no line joins to others and, of those that lines
    join, the farthest from other methods, where its curve is easiest to tell; the cheapest of equals."""
    at = {p: (x(p.cost), y(p.value)) for p in sorted(points, key=lambda p: (p.cost, p.value))}
    joined = Counter((p.method, p.series) for p in at)
    found = {p.name for p in at if joined[p.method, p.series] == 1}
    for method in {p.method for p in at}:
        others = [place for p, place in at.items() if p.method != method]
        curve = [p for p in at if p.method == method and p.name not in found]
        if curve:
            far = max(curve, key=lambda p: min((math.dist(at[p], other) for other in others), default=0.0))
            found.add(far.name)
    return found
