"""Painting small things fast: a shape is evaluated only in the part of the canvas where it lies.

``at`` is the pair of coordinate arrays (n, n) that the shapes live in: those of the canvas, posed and bent.
They must vary smoothly, or the search for the window misses something.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from mribench.phantom import shapes
from mribench.phantom.canvas import Canvas

Array = np.ndarray
At = tuple[Array, Array]
COARSE = 24  # samples a side of the grid on which a shape is first looked for


def shape(
    canvas: Canvas, tissue: str, at: At, box: Sequence[float], implicit: Callable[[Array, Array], Array],
    over: Collection[str] | None = None,
) -> None:  # fmt: skip
    """Paint where ``implicit(x, y)`` is negative inside ``box`` = (left, top, right, bottom).

    over: the tissues that may be covered; all where None.
    """
    if window := _window(at, box):
        canvas.paint(tissue, implicit(at[0][window], at[1][window]), window, over)


def ellipse(
    canvas: Canvas, tissue: str, at: At, cx: float, cy: float, rx: float, ry: float,
    degrees: float = 0.0, over: Collection[str] | None = None,
) -> None:  # fmt: skip
    """Paint ``shapes.ellipse``."""
    reach = max(rx, ry)
    box = cx - reach, cy - reach, cx + reach, cy + reach
    shape(canvas, tissue, at, box, lambda x, y: shapes.ellipse(x, y, cx, cy, rx, ry, degrees), over)


def ellipsoid(
    canvas: Canvas, tissue: str, at: At, centre: Sequence[float], axes: Sequence[float], degrees: float,
    z: float, over: Collection[str] | None = None,
) -> None:  # fmt: skip
    """Paint the cut at depth z through an ellipsoid with one axis along z; centre, axes: (x, y, z)."""
    cut = 1 - ((z - centre[2]) / axes[2]) ** 2
    if cut > 0.02:
        rx, ry = axes[0] * cut**0.5, axes[1] * cut**0.5
        ellipse(canvas, tissue, at, centre[0], centre[1], rx, ry, degrees, over)


def tube(
    canvas: Canvas, tissue: str, at: At, points: Sequence[tuple[float, float]],
    radii: float | Sequence[float], over: Collection[str] | None = None,
) -> None:  # fmt: skip
    """Paint ``shapes.tube``: a polyline of the given radius, or of one radius per point."""
    xs, ys = zip(*points, strict=True)
    r = float(np.max(radii))
    box = min(xs) - r, min(ys) - r, max(xs) + r, max(ys) + r
    shape(canvas, tissue, at, box, lambda x, y: shapes.tube(x, y, points, radii), over)


def _window(at: At, box: Sequence[float]) -> tuple[slice, slice] | None:
    """The rows and columns of the canvas that can lie in ``box``; None where the box is out of sight."""
    step = len(at[0]) // COARSE
    x, y = at[0][::step, ::step], at[1][::step, ::step]
    margin = 2.4 / COARSE
    left, top, right, bottom = (float(edge) for edge in box)
    near = (x > left - margin) & (x < right + margin) & (y > top - margin) & (y < bottom + margin)
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if not rows.size:
        return None
    return tuple(slice(max(step * (i[0] - 1), 0), step * (i[-1] + 1)) for i in (rows, columns))
