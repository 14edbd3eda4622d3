"""Shapes as implicit functions: negative inside, about one field-of-view half per unit outside.

Coordinates x (right) and y (down) run over [-1, 1] across the image; combine shapes with ``np.maximum`` (and),
``np.minimum`` (or) and a minus sign (not).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin, sqrt

import numpy as np

Array = np.ndarray


def rotate(x: Array, y: Array, cx: float, cy: float, degrees: float) -> tuple[Array, Array]:
    """Coordinates in a frame centred at (cx, cy) and turned by ``degrees`` (clockwise on screen)."""
    # Python floats: a numpy float64 scalar would turn float32 grids into float64 ones, twice as slow
    c, s = cos(radians(degrees)), sin(radians(degrees))
    dx, dy = x - float(cx), y - float(cy)
    return dx * c + dy * s, dy * c - dx * s


def ellipse(x: Array, y: Array, cx: float, cy: float, rx: float, ry: float, degrees: float = 0.0) -> Array:
    """Ellipse with half axes rx, ry; values approximate the distance to its edge."""
    u, v = rotate(x, y, cx, cy, degrees)
    rx, ry = float(rx), float(ry)
    return (np.hypot(u / rx, v / ry) - 1) * min(rx, ry)


def superellipse(
    x: Array, y: Array, cx: float, cy: float, rx: float, ry: float, power: float = 4.0, degrees: float = 0.0
) -> Array:
    """|u/rx|^p + |v/ry|^p = 1; p = 2 is an ellipse, large p a rounded box (vertebral bodies)."""
    u, v = rotate(x, y, cx, cy, degrees)
    rx, ry = float(rx), float(ry)
    radius = (np.abs(u / rx) ** power + np.abs(v / ry) ** power) ** (1 / power)
    return (radius - 1) * min(rx, ry)


def star(
    x: Array, y: Array, cx: float, cy: float, radius: float, cosines: Sequence[float], sines: Sequence[float],
    aspect: float = 1.0, degrees: float = 0.0,
) -> Array:  # fmt: skip
    """Star-shaped outline r(phi) = radius (1 + sum_k c_k cos((k+1) phi) + s_k sin((k+1) phi)); y axis x aspect."""
    u, v = rotate(x, y, cx, cy, degrees)
    v = v / float(aspect)
    phi = np.arctan2(v, u)
    r = np.ones_like(phi)
    for k, (c, s) in enumerate(zip(cosines, sines, strict=True), start=1):
        r += float(c) * np.cos(k * phi) + float(s) * np.sin(k * phi)
    return np.hypot(u, v) - float(radius) * r


def tube(x: Array, y: Array, points: Sequence[tuple[float, float]], radii: float | Sequence[float]) -> Array:
    """Distance to a polyline, minus its radius (one value, or one per point, tapering between them)."""
    radii = np.broadcast_to(np.asarray(radii, dtype=float), (len(points),))
    out = np.full_like(x, np.inf)
    for (x0, y0), (x1, y1), r0, r1 in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
        np.minimum(out, np.hypot(x - x0 - along * dx, y - y0 - along * dy) - (r0 + along * (r1 - r0)), out=out)
    return out


def smooth_field(rng: np.random.Generator, x: Array, y: Array, scale: float, modes: int = 12) -> Array:
    """Random smooth field of unit variance with structures about ``scale`` wide, a sum of ``modes`` plane waves.

    A sum of waves, not filtered pixels: the same draw looks the same at any image size.
    """
    frequency = rng.normal(size=(modes, 2)) * np.pi / scale / 2
    phase = rng.uniform(0, 2 * np.pi, modes)
    out = np.zeros(np.broadcast(x, y).shape, dtype=np.result_type(x, y))
    for (fx, fy), p in zip(frequency.tolist(), phase.tolist(), strict=True):
        out += np.cos(fx * x + fy * y + p)
    return out * sqrt(2 / modes)


def wobble(
    rng: np.random.Generator, x: Array, y: Array, amplitude: float, scale: float, modes: int = 6
) -> tuple[Array, Array]:
    """Coordinates displaced by a smooth random field (``amplitude`` is its standard deviation): living outlines."""
    return (
        x + amplitude * smooth_field(rng, x, y, scale, modes),
        y + amplitude * smooth_field(rng, x, y, scale, modes),
    )
