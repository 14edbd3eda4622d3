"""A number drawn in a table cell: interval as whisker, mean as mark, seeds as dots, on one scale down the column.

Marks differ in shape and not only in colour: trained variants are filled circles, controls hollow diamonds, real images
bars. A page holds hundreds of these drawings, so each is as few characters as will do: the marks stand once on the page
(``defined``), size and axis line are the style sheet's. In tables that are closed at first ``script.js`` draws the same
from their words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mribench.board.html.axes import Axis, spanning
from mribench.board.html.markup import Markup, element
from mribench.board.rows import Estimate

WIDTH, HEIGHT, EDGE = 136, 18, 6
MIDDLE = HEIGHT // 2
Band = tuple[float, float]


def scale(entries: Iterable[Estimate | None], *more: float) -> Axis | None:
    """One scale for all of these entries, their intervals, and further numbers."""
    values = [v for e in entries if e for v in (e.value, e.low, e.high) if v is not None]
    return spanning([*values, *more], EDGE, WIDTH - EDGE, margin=0.0)


def strip(
    axis: Axis,
    entry: Estimate,
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
        width = max(right - left, 2.0)
        parts.append(_path(f"M{_at(left)} 0h{_at(width)}v{HEIGHT}h-{_at(width)}z", "floor"))
    parts += [_path(f"M{_at(axis(value))} 2V{HEIGHT - 2}", name) for value, name in marks]
    if axis.low <= entry.value <= axis.high:
        if entry.low is not None:
            low, high = axis(entry.low), axis(entry.high)
            parts.append(_path(f"M{_at(low)} {MIDDLE}H{_at(high)}M{_at(low)} 5v8M{_at(high)} 5v8", "whisker"))
        parts.append(mark(axis(entry.value), MIDDLE, kind))
        if len(seeds) > 1:
            parts.append(_path("".join(f"M{_at(axis(v))} {HEIGHT - 3}h0" for v in seeds), "seed"))
    else:
        parts.append(_off(entry.value > axis.high))
    return element("svg", *parts, class_=f"strip {kind}", viewBox=f"0 0 {WIDTH} {HEIGHT}", aria_hidden="true")


def _off(beyond: bool) -> Markup:
    """An arrow at the end of a scale that a value lies beyond."""
    tip, back = (WIDTH - 1, -7) if beyond else (1, 7)
    return _path(f"M{tip} {MIDDLE}l{back} -5v10z", "off")


def mark(x: float, y: float, kind: str) -> Markup:
    """The mean of a row, in the shape of its kind; ``unranked`` is a trained row that contests nothing."""
    return element("use", href=f"#mark-{kind}", x=_at(x), y=_at(y))


def defined() -> Markup:
    """What ``mark`` refers to by kind: once on a page, without a place of its own."""
    bar = {"x": -1.5, "y": -4.4, "width": 3, "height": 8.8}
    shapes = (
        element("circle", r=3.4, id="mark-trained"),
        element("circle", r=3.4, id="mark-unranked"),
        element("path", d="M0-4.4 4.4 0 0 4.4-4.4 0z", id="mark-control"),
        element("rect", id="mark-real", **bar),
    )
    return element("svg", element("defs", *shapes), class_="marks", aria_hidden="true")


def _path(drawn: str, name: str) -> Markup:
    return element("path", d=drawn, class_=name)


def _at(pixels: float) -> str:
    """To a tenth of a pixel: '12', '12.3'."""
    return f"{pixels:.1f}".removesuffix(".0")
