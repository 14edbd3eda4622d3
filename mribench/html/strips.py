"""A number drawn in a table cell: interval as whisker, mean as mark, seeds as dots, on one scale down the column.

Marks differ in shape and not only in colour: trained variants are filled circles, controls hollow diamonds, real images
bars.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mribench.html.axes import Axis, spanning
from mribench.html.markup import Markup, element
from mribench.rows import Entry

WIDTH, HEIGHT, EDGE = 136, 18, 6
MIDDLE = HEIGHT / 2
Band = tuple[float, float]


def scale(entries: Iterable[Entry | None], *more: float) -> Axis | None:
    """One scale for all of these entries, their intervals, and further numbers."""
    values = [v for e in entries if e for v in (e.value, e.low, e.high) if v is not None]
    return spanning([*values, *more], EDGE, WIDTH - EDGE, margin=0.0)


def strip(
    axis: Axis,
    entry: Entry,
    kind: str,
    seeds: Sequence[float] = (),
    band: Band | None = None,
    marks: Sequence[tuple[float, str]] = (),
) -> Markup:
    """The drawing; hidden from screen readers, because the same numbers stand beside it in words.

    kind: ``trained``, ``control`` or ``real``; seeds: the value of each; band: of real images; marks: further values
    with the class they are drawn in.
    """
    parts = []
    if band:
        left, right = axis(band[0]), axis(band[1])
        parts.append(
            element("rect", x=left, y=0, width=max(right - left, 2.0), height=HEIGHT, class_="floor")
        )
    parts += [_upright(axis(value), 2.0, HEIGHT - 2.0, name) for value, name in marks]
    parts.append(element("line", x1=EDGE, y1=MIDDLE, x2=WIDTH - EDGE, y2=MIDDLE, class_="axis"))
    if axis.low <= entry.value <= axis.high:
        parts += _interval(axis, entry, kind)
        parts.append(mark(axis(entry.value), MIDDLE, kind))
        if len(seeds) > 1:
            parts += [element("circle", cx=axis(v), cy=HEIGHT - 3.0, r=1.7, class_="seed") for v in seeds]
    else:
        parts.append(_off(entry.value > axis.high, kind))
    view = f"0 0 {WIDTH} {HEIGHT}"
    about = {"width": WIDTH, "height": HEIGHT, "viewBox": view, "aria_hidden": "true"}
    return element("svg", *parts, class_="strip", **about)


def _interval(axis: Axis, entry: Entry, kind: str) -> list[Markup]:
    if entry.low is None:
        return []
    low, high = axis(entry.low), axis(entry.high)
    whisker = element("line", x1=low, y1=MIDDLE, x2=high, y2=MIDDLE, class_=f"whisker {kind}")
    return [whisker, *(_upright(x, MIDDLE - 4, MIDDLE + 4, f"whisker {kind}") for x in (low, high))]


def _off(beyond: bool, kind: str) -> Markup:
    """An arrow at the end of a scale that a value lies beyond."""
    tip, back = (WIDTH - 1.0, WIDTH - 8.0) if beyond else (1.0, 8.0)
    points = f"{tip:.2f},{MIDDLE:.2f} {back:.2f},{MIDDLE - 5:.2f} {back:.2f},{MIDDLE + 5:.2f}"
    return element("polygon", points=points, class_=f"mark {kind}")


def mark(x: float, y: float, kind: str, size: float = 3.4) -> Markup:
    """The mean of a row, in the shape of its kind; ``unranked`` is a trained row that contests nothing."""
    if kind in ("trained", "unranked"):
        return element("circle", cx=x, cy=y, r=size, class_=f"mark {kind}")
    if kind == "control":
        corners = ((x, y - size - 1), (x + size + 1, y), (x, y + size + 1), (x - size - 1, y))
        points = " ".join(f"{a:.2f},{b:.2f}" for a, b in corners)
        return element("polygon", points=points, class_="mark control")
    return element("rect", x=x - 1.5, y=y - size - 1, width=3.0, height=2 * size + 2, class_="mark real")


def _upright(x: float, top: float, bottom: float, name: str) -> Markup:
    return element("line", x1=x, y1=top, x2=x, y2=bottom, class_=name)
