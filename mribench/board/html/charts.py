"""Quality against cost, one drawing per organ: what a better number takes to make."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

from mribench.board import columns
from mribench.board.against_control import CONTROL
from mribench.board.boards import Board
from mribench.board.control_checks import violations
from mribench.board.html import axes, strips
from mribench.board.html.axes import Axis
from mribench.board.html.markup import Markup, element, join
from mribench.board.rows import Entry, Row
from mribench.spec import AuditVerdict

WIDTH, HEIGHT = 340, 236
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 12, 44
# as an HTML list of type a counts
LETTERS = [*ascii_lowercase, *(a + b for a in ascii_lowercase for b in ascii_lowercase)]
LETTER, LINE = 9.0, 11.0  # room that the letter of a point takes


@dataclass(frozen=True)
class Point:
    """remark: why it contests nothing; empty where it does."""

    name: str
    x: float
    entry: Entry
    remark: str = ""

    @property
    def ranked(self) -> bool:
        return not self.remark


def nfe(row: Row) -> float | None:
    """Network evaluations per generated image."""
    evaluations = _produced(row).get("nfe")
    return float(evaluations[0]) if evaluations else None


def gflops(row: Row) -> float | None:
    """GFLOPs per generated image, a multiply-add counting twice."""
    steps, each = nfe(row), _produced(row).get("gflops_per_evaluation")
    return steps * each if steps and each else None


COSTS = (
    ("nfe", "NFE (network evaluations per image)", nfe),
    ("gflops", "GFLOPs per image (sampling)", gflops),
)


def _remark(row: Row, board: Board) -> str:
    if row.audit and AuditVerdict(row.audit).memorises:
        return f" ({row.audit})"
    return " (invalid board)" if violations(board) else ""


def _produced(row: Row) -> dict[str, Any]:
    generation = next((r for r in row.results if r.task == "generation"), None)
    return (generation.provenance.get("produced") or {}) if generation else {}


def charts(board: Board, anchor: str) -> list[Markup]:
    """A drawing for each kind of cost that the records know; none where nothing is known."""
    address, drawn = board.primary, []
    for kind, label, cost in COSTS if address else ():
        found = [
            Point(row.name, x, entry, _remark(row, board))
            for row in board.rows
            if not row.is_control
            and (x := cost(row))
            and (entry := row.entries.get(address)) is not None
            and entry.value is not None
        ]
        if found:
            drawn.append(_figure(board, found, label, f"{anchor}-{kind}"))
    return drawn


def _figure(board: Board, points: list[Point], label: str, anchor: str) -> Markup:
    title = columns.title(board, board.primary)
    control = board.row(CONTROL)
    gaussian = control.entries.get(board.primary) if control else None
    bar = gaussian.value if gaussian else None
    floor = board.floor_of(board.primary)
    real = floor.get("train_test")
    band = (floor["half_low"], floor["half_high"]) if floor.get("half_low") is not None else None
    x = axes.spanning_log([p.x for p in points], LEFT, WIDTH - RIGHT)
    values = [v for p in points for v in (p.entry.value, p.entry.low, p.entry.high) if v is not None]
    values += [v for v in (0.0, bar, real, *(band or ())) if v is not None]
    y = axes.spanning(values, HEIGHT - BOTTOM, TOP, margin=0.06)
    parts = [_grid(x, y)]
    if band:
        top, bottom = y(band[1]), y(band[0])
        parts.append(_box(LEFT, top, WIDTH - LEFT - RIGHT, max(bottom - top, 2.0), "floor"))
    for value, name, words in ((real, "real", "real train"), (bar, "gaussian", "Gaussian control")):
        if value is not None:
            parts += _level(y(value), name, words)
    parts += [_front(points, x, y), *_points(points, x, y)]
    parts.append(_text(label, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "label", "middle"))
    parts.append(_text(title, 12, (TOP + HEIGHT - BOTTOM) / 2, "label", "middle", turned=True))
    organ = board.members[0].data["title"]
    said = "; ".join(f"{p.name}: {p.entry.value:.4g} at {p.x:.4g}" for p in points)
    about = element("title", f"{organ}: {title} against {label}. {said}", id=f"{anchor}-title")
    view = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "width": WIDTH, "height": HEIGHT}
    svg = element("svg", about, *parts, role="img", aria_labelledby=f"{anchor}-title", class_="chart", **view)
    return element("figure", svg, element("figcaption", element("b", organ), _key(points)))


def pareto(points: list[Point]) -> list[Point]:
    """Of the ranked points those that no other beats or equals in both cost and value, by cost; less is better in
    both."""
    front: list[Point] = []
    for point in sorted((p for p in points if p.ranked), key=lambda p: (p.x, p.entry.value)):
        if not front or point.entry.value < front[-1].entry.value:
            front.append(point)
    return front


def _front(points: list[Point], x: Axis, y: Axis) -> Markup | None:
    front = [(x(p.x), y(p.entry.value)) for p in pareto(points)]
    if len(front) < 2:
        return None
    steps = [f"M{front[0][0]:.2f} {front[0][1]:.2f}"] + [f"H{a:.2f}V{b:.2f}" for a, b in front[1:]]
    return element("path", d="".join(steps), class_="front")


def _points(points: list[Point], x: Axis, y: Axis) -> list[Markup]:
    """Marks with whiskers and a letter each; the letters of points that crowd stand side by side."""
    parts: list[Markup] = []
    taken: list[tuple[float, float]] = []
    for point, letter in zip(points, LETTERS, strict=False):
        across, up = x(point.x), y(point.entry.value)
        if point.entry.low is not None:
            low, high = y(point.entry.low), y(point.entry.high)
            parts.append(_line(across, low, across, high, "whisker"))
            parts += [_line(across - 4, end, across + 4, end, "whisker") for end in (low, high)]
        parts.append(strips.mark(across, up, "trained" if point.ranked else "unranked"))
        right, base = across + 7, up - 5
        while any(abs(right - other) < LETTER and abs(base - level) < LINE for other, level in taken):
            right += LETTER
        taken.append((right, base))
        parts.append(_text(letter, right, base, "name", "start"))
    return parts


def _key(points: list[Point]) -> Markup:
    """Which letter is which row, and why one contests nothing."""
    return element("ol", *(element("li", f"{p.name}{p.remark}") for p in points), class_="key", type_="a")


def _grid(x: Axis, y: Axis) -> Markup:
    floor = HEIGHT - BOTTOM
    parts = [_line(LEFT, floor, WIDTH - RIGHT, floor, "axis"), _line(LEFT, TOP, LEFT, floor, "axis")]
    for tick in y.ticks():
        parts.append(_line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "gridline"))
        parts.append(_text(axes.words(tick), LEFT - 6, y(tick) + 4, "tick", "end"))
    for tick in x.ticks():
        parts.append(_line(x(tick), floor, x(tick), floor + 4, "axis"))
        parts.append(_text(axes.words(tick), x(tick), floor + 16, "tick", "middle"))
    return join(*parts)


def _level(y: float, name: str, words: str) -> list[Markup]:
    """A horizontal line with its name at the left end, above it where there is room."""
    above = y - 4 if y > TOP + 14 else y + 13
    return [_line(LEFT, y, WIDTH - RIGHT, y, f"level {name}"), _text(words, LEFT + 4, above, "tick", "start")]


def _line(x1: float, y1: float, x2: float, y2: float, name: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=name)


def _box(x: float, y: float, width: float, height: float, name: str) -> Markup:
    return element("rect", x=x, y=y, width=width, height=height, class_=name)


def _text(words: str, x: float, y: float, name: str, anchor: str, turned: bool = False) -> Markup:
    turn = {"transform": f"rotate(-90 {x:.2f} {y:.2f})"} if turned else {}
    return element("text", words, x=float(x), y=float(y), text_anchor=anchor, class_=name, **turn)
