"""One nucleus: where its surface is, where its DNA lies. Lengths in half-fields (10 micrometres)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mribench.phantom import fields, shapes

Array = np.ndarray


class Nucleus(NamedTuple):
    """What makes one nucleus itself; every plane through it shares these values."""

    radius: float  # half length
    aspect: float  # width over length
    degrees: float  # orientation of the long axis
    cosines: tuple[float, ...]  # outline harmonics, see ``shapes.star``
    sines: tuple[float, ...]
    centre: tuple[float, float]
    height: float  # half thickness along the optical axis
    flatness: float  # 1 is an ellipsoid, larger a flatter adherent cell
    grain: float  # width of a chromatin domain
    condensed: float  # share of the chromatin that is heterochromatin, about
    density: float  # DNA of heterochromatin over that of euchromatin
    rim: float  # preference of heterochromatin for the lamina
    nucleoli: tuple[tuple[float, ...], ...]  # x, y, z, radius
    foci: tuple[tuple[float, ...], ...]  # chromocentres: x, y, z, radius


def grow(rng: np.random.Generator) -> Nucleus:
    """A healthy interphase nucleus, centred and (like the real crops) mostly as large as the frame allows."""
    order = np.arange(1, 7)
    # most outlines are near ellipses, a few are beans or lobed
    spread = np.array([0.04, 0.045, 0.024, 0.014, 0.006, 0.005]) * rng.gamma(1.6, 0.65)
    cosines, sines = rng.normal(0, spread), rng.normal(0, spread)
    aspect, degrees = float(np.clip(rng.normal(0.7, 0.14), 0.4, 1)), float(rng.uniform(0, 180))
    fill = rng.uniform(0.88, 0.95) if rng.random() < 0.65 else rng.uniform(0.6, 0.88)
    phi = np.linspace(0, 2 * np.pi, 128)[:, None]
    # sums written out: the last bits of a matrix product depend on the processor
    r = 1 + (np.cos(order * phi) * cosines + np.sin(order * phi) * sines).sum(axis=1, keepdims=True)
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    outline = r * np.cos(phi) * turn[0] + aspect * r * np.sin(phi) * turn[1]
    low, high = outline.min(axis=0), outline.max(axis=0)
    radius = fill / float((high - low).max() / 2)
    centre = -radius * (low + high) / 2
    long_axis, short_axis = radius * turn[0], radius * aspect * turn[1]
    mouse_like = rng.random() < 0.22
    return Nucleus(
        radius, aspect, degrees, tuple(cosines.tolist()), tuple(sines.tolist()), tuple(centre.tolist()),
        height=float(0.45 * radius * aspect * rng.uniform(0.8, 1.2) + 0.12),
        flatness=float(rng.uniform(1.2, 2.2)),
        grain=float(rng.uniform(0.09, 0.2)),
        condensed=float(rng.uniform(0.2, 0.6)),
        density=float(1 + rng.gamma(1.8, 0.16)),
        rim=float(rng.uniform(0, 0.8)),
        nucleoli=_balls(rng, int(rng.integers(0, 5)), 0.6, (0.09, 0.2), centre, long_axis, short_axis),
        foci=_balls(rng, int(rng.integers(8, 20)) if mouse_like else int(rng.poisson(1)), 0.8, (0.035, 0.09),
                    centre, long_axis, short_axis),
    )  # fmt: skip


def _balls(
    rng: np.random.Generator, count: int, reach: float, radii: tuple[float, float], centre: Array,
    long_axis: Array, short_axis: Array,
) -> tuple[tuple[float, ...], ...]:  # fmt: skip
    """``count`` balls (x, y, z, radius) in the nucleus, up to ``reach`` of the way to its surface.

    radii: smallest and largest, relative to the mean half axis.
    """
    mean = np.sqrt(np.hypot(*long_axis) * np.hypot(*short_axis))
    balls = []
    for _ in range(count):
        angle, far = rng.uniform(0, 2 * np.pi), reach * np.sqrt(rng.random())
        x, y = centre + far * (np.cos(angle) * long_axis + np.sin(angle) * short_axis)
        balls.append((float(x), float(y), float(rng.normal(0, 0.08)), float(mean * rng.uniform(*radii))))
    return tuple(balls)


def section(nucleus: Nucleus, rng: np.random.Generator, x: Array, y: Array, z: float) -> tuple[Array, ...]:
    """The plane at height ``z``: (surface, half thickness, heterochromatin, nucleolus), (n, n) each.

    x, y: ``Canvas.axes``. surface and nucleolus are negative inside, heterochromatin is positive inside; the
    thickness is that of the nucleus at each point. rng: the subject's generator; draws the same 3-D fields
    whatever ``z`` is.
    """
    n = nucleus
    dx, dy = fields.wobble(rng, x, y, 0.01, 0.3, 3, z)
    u, v = x + dx, y + dy
    edge = shapes.star(u, v, *n.centre, n.radius, n.cosines, n.sines, n.aspect, n.degrees)
    depth = np.clip(-edge / n.radius, 0, 1)
    thickness = n.height * (1 - (1 - depth) ** (2 * n.flatness)) ** (0.5)
    cloud = 0.9 * fields.smooth_field(rng, x, y, n.grain, 40, z)
    cloud += 0.45 * fields.smooth_field(rng, x, y, 2.2 * n.grain, 12, z)
    cloud += n.rim * np.exp(-((depth / 0.12) ** 2))
    nucleolus = np.full_like(u, 1.0)
    for bx, by, bz, size in n.nucleoli:
        here = np.sqrt(max(size**2 - (z - bz) ** 2, 1e-6))
        ball = shapes.ellipse(u, v, bx, by, here, 0.8 * here, n.degrees + 50 * bx)
        nucleolus = np.minimum(nucleolus, ball)
    # perinucleolar heterochromatin, and chromocentres as blobs that outweigh the cloud
    cloud += 0.7 * np.exp(-((nucleolus / 0.05) ** 2))
    for bx, by, bz, size in n.foci:
        cloud += 3.5 * np.exp(-((u - bx) ** 2 + (v - by) ** 2 + (z - bz) ** 2) / size**2)
    # the normal quantile (logistic approximation) that leaves the asked share above it
    return edge, thickness, cloud - np.log(1 / n.condensed - 1) / 1.7, nucleolus
