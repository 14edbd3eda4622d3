"""Shapes as implicit functions: negative inside, about one field-of-view half per unit outside.

Coordinates x (right) and y (down), two arrays (n, m) of one shape, run over [-1, 1] across the image. A shape has their
shape and dtype. Combine with ``np.maximum`` (and), ``np.minimum`` (or) and minus (not).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin

import numpy as np

Array = np.ndarray


def rotate(x: Array, y: Array, cx: float, cy: float, degrees: float) -> tuple[Array, Array]:
    """Coordinates in a frame centred at (cx, cy) and turned by ``degrees`` (clockwise on screen)."""
    # Python floats: a numpy float64 scalar would turn float32 grids into float64 ones, twice as slow
    dx, dy = x - float(cx), y - float(cy)
    if not degrees:
        return dx, dy
    c, s = cos(radians(degrees)), sin(radians(degrees))
    u, part = dx * c, dy * s
    u += part
    dy *= c
    dy -= np.multiply(dx, s, out=part)
    return u, dy


def ellipse(x: Array, y: Array, cx: float, cy: float, rx: float, ry: float, degrees: float = 0.0) -> Array:
    """Ellipse with half axes rx, ry; values approximate the distance to its edge."""
    u, v = rotate(x, y, cx, cy, degrees)
    rx, ry = float(rx), float(ry)
    u /= rx
    v /= ry
    out = _length(u, v)
    out -= 1
    out *= min(rx, ry)
    return out


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
    """Outline r(phi) = radius (1 + sum_k c_k cos(k phi) + s_k sin(k phi)), k from 1; its y axis times aspect.

    cosines, sines: c_k and s_k, as many of the one as of the other.
    """
    u, v = rotate(x, y, cx, cy, degrees)
    v /= float(aspect)
    distance = _length(u.copy(), v.copy())
    # Horner in exp(i phi), five times as fast as a cosine and a sine per harmonic
    spin = (u + 1j * v) / np.maximum(distance, np.finfo(distance.dtype).tiny)
    total = np.zeros_like(spin)
    for c, s in zip(reversed(cosines), reversed(sines), strict=True):
        total = spin * (total + complex(c, -s))
    return distance - float(radius) * (1 + total.real)


def tube(x: Array, y: Array, points: Sequence[tuple[float, float]], radii: float | Sequence[float]) -> Array:
    """Distance to a polyline, minus its radius (one value, or one per point, tapering between them)."""
    radii = np.broadcast_to(np.asarray(radii, dtype=float), (len(points),)).tolist()
    points = [(float(px), float(py)) for px, py in points]
    out = np.full_like(x, np.inf)
    for (x0, y0), (x1, y1), r0, r1 in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
        dx, dy = x1 - x0, y1 - y0
        u, v = x - x0, y - y0
        along = u * dx + v * dy
        along /= max(dx * dx + dy * dy, 1e-12)
        np.clip(along, 0, 1, out=along)
        u -= along * dx
        v -= along * dy
        distance = _length(u, v)
        distance -= r0
        distance -= np.multiply(along, r1 - r0, out=along)
        np.minimum(out, distance, out=out)
    return out


def _length(u: Array, v: Array) -> Array:
    """sqrt(u^2 + v^2) in place of u and v; faster than np.hypot, and the same on every processor."""
    u *= u
    v *= v
    u += v
    return np.sqrt(u, out=u)
