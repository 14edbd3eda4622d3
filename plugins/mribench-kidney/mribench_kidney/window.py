"""Painting small things fast: a shape is evaluated only in the part of the canvas where it lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mribench.phantom import Canvas, shapes

Array = np.ndarray
COARSE = 24  # samples a side of the grid on which a shape is first looked for


def bend(
    rng: np.random.Generator, x: Array, y: Array, amplitude: float, scale: float, modes: int = 8
) -> Array:
    """A smooth random field over the grid x (1, n), y (n, 1): float32 (n, n).

    amplitude: its standard deviation; scale: width of its structures. The plane waves of
    ``shapes.smooth_field``: on a grid each is an outer product, some twenty times faster.
    """
    frequency = rng.normal(size=(modes, 2)) * np.pi / scale / 2
    phase = rng.uniform(0, 2 * np.pi, (modes, 1))
    across = np.exp(1j * (frequency[:, :1] * x + phase), dtype=np.complex64)
    down = np.exp(1j * frequency[:, 1:] * y.T, dtype=np.complex64)
    return (amplitude * np.sqrt(2 / modes) * (down.T @ across).real).astype(np.float32)


def stamp(
    canvas: Canvas, tissue: str, box: Sequence[float], shape: Callable[[Array, Array], Array],
    at: tuple[Array, Array], over: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Paint ``shape(x, y) < 0`` inside ``box`` = (left, top, right, bottom), on coordinates ``at``.

    over: the tissues that may be covered; all where None.
    """
    window = _window(at, box)
    if window is None:
        return
    inside = np.zeros(canvas.labels.shape, dtype=bool)
    inside[window] = shape(at[0][window], at[1][window]) < 0
    if over is not None:
        allowed = np.array([name in over for name in canvas.tissues])
        inside[window] &= allowed[canvas.labels[window]]
    canvas.paint(tissue, inside)


def _window(at: tuple[Array, Array], box: Sequence[float]) -> tuple[slice, slice] | None:
    """The rows and columns of the canvas that can lie in ``box``; None where the box is out of sight."""
    step = len(at[0]) // COARSE
    x, y = at[0][::step, ::step], at[1][::step, ::step]
    margin = 2.4 / COARSE
    left, top, right, bottom = box
    near = (x > left - margin) & (x < right + margin) & (y > top - margin) & (y < bottom + margin)
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if not rows.size:
        return None
    return tuple(slice(max(step * (i[0] - 1), 0), step * (i[-1] + 1)) for i in (rows, columns))


def blob(
    canvas: Canvas, tissue: str, at: tuple[Array, Array], cx: float, cy: float, rx: float, ry: float,
    degrees: float = 0.0, over: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Paint an ellipse with half axes rx, ry."""
    reach = max(rx, ry)
    box = cx - reach, cy - reach, cx + reach, cy + reach
    stamp(canvas, tissue, box, lambda x, y: shapes.ellipse(x, y, cx, cy, rx, ry, degrees), at, over)


def tube(
    canvas: Canvas, tissue: str, at: tuple[Array, Array], points: Sequence[tuple[float, float]],
    radii: float | Sequence[float], over: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Paint a polyline of the given radius, or of one radius per point."""
    xs, ys = zip(*points, strict=True)
    r = float(np.max(radii))
    box = min(xs) - r, min(ys) - r, max(xs) + r, max(ys) + r
    stamp(canvas, tissue, box, lambda x, y: shapes.tube(x, y, points, radii), at, over)
