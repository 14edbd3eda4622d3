"""Cortical folding: sulci as the zero lines of a random wave field, stretched towards the surface."""

from __future__ import annotations

import numpy as np

from mribench.phantom.fields import waves

Array = np.ndarray


def towards_surface(u: Array, v: Array, stretch: float) -> tuple[Array, Array]:
    """Coordinates in which a random field is long across the surface of its hemisphere and short along it.

    Each hemisphere folds around a line from front to back through its middle.
    """
    side = np.where(u < 0, np.float32(-0.37), np.float32(0.37))
    middle = np.clip(v, -0.5, 0.5)
    du, dv = u - side, v - middle
    r = np.sqrt(du * du + dv * dv) + np.float32(1e-3)
    rest = (np.float32(0.42 * (1 - stretch)) + np.float32(stretch) * r) / r
    # far apart, so that the two hemispheres do not mirror each other at the midline
    return 8 * side + du * rest, middle + dv * rest


def distance_to_zero(field: Array, depth: Array, step: float) -> tuple[Array, Array]:
    """First-order distance |f| / |grad f| to the zero lines of a field sampled every ``step``.

    The second array is 1 where such a line would run along the surface (parallel gradients), 0 where it
    cuts in.
    """
    gy, gx = np.gradient(field)
    dy, dx = np.gradient(depth)
    slope = np.sqrt(gx * gx + gy * gy) + np.float32(1e-4)
    along = np.abs(gx * dx + gy * dy) / (slope * (np.sqrt(dx * dx + dy * dy) + np.float32(1e-4)))
    return np.abs(field) * np.float32(step) / slope, along


def sulci(
    rng: np.random.Generator,
    u: Array,
    v: Array,
    z: float,
    depth: Array,
    step: float,
    spacing: float,
    width: float,
) -> Array:
    """Implicit function of the sulci (negative inside), in head units.

    depth: distance below the smooth pial surface, positive inside. step: sampling distance of the grid.
    spacing: distance between sulci; width: their half width at the surface.
    """
    qu, qv = towards_surface(u, v, stretch=0.6)
    lines, along = distance_to_zero(waves(rng, qu, qv, 2 * spacing, 16, z), depth, step)
    # a sulcus never shaves off a strip of cortex just below the surface
    lines += np.clip(along - np.float32(0.6), 0, 1) * np.clip(np.float32(0.14) - depth, 0, 1)
    region = waves(rng, u, v, 0.6, z=z)
    mouth = np.clip(1 - depth / np.float32(0.06), 0, 1)
    open_at_surface = np.float32(width) * (
        1 + 2 * mouth * mouth - 0.7 * np.clip(depth / np.float32(0.2), 0, 1)
    )
    open_at_surface *= np.clip(0.85 + 0.35 * region, 0.35, 1.8)
    return np.maximum(lines - open_at_surface, depth - 0.18 - 0.07 * region)
