"""One lesion a person: an infarct in a sector of the left ventricle, its wall thinned where it reaches through."""

from __future__ import annotations

import numpy as np

from mribench.phantom import Canvas, Tissue, shapes
from mribench_heart.anatomy import left_ventricle

Array = np.ndarray

# 1.5 T
TISSUES = {
    "infarct": Tissue(
        1250, 75, 0.84, "assumed: acute infarct, T1 and T2 longer than in healthy muscle", texture=0.08
    )
}


def paint(
    canvas: Canvas, rng: np.random.Generator, x: Array, y: Array, z: float, h: dict[str, float]
) -> None:
    """Paint the person's infarct at level ``z``; ``rng`` draws the same for all slices."""
    middle, half = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(28, 55))
    level, reach = rng.uniform(0.3, 0.85), rng.uniform(0.25, 0.45)
    through, thinned = rng.uniform(0.55, 1.0), rng.uniform(0.0, 0.45)
    near = 1 - ((z - level) / reach) ** 2
    if near <= 0:
        return
    cx, cy, outer, inner = left_ventricle(z, h)
    off = np.abs(np.angle(np.exp(1j * (np.arctan2(y - cy, x - cx) - middle))))
    sector = off - half * near**0.5
    wall = shapes.ellipse(x, y, cx, cy, outer, outer * h["oval"], h["rv_degrees"])
    # depth from the cavity outwards: 0 at the endocardium, 1 at the epicardium
    depth = 1 + wall / max(outer - inner, 1e-3)
    inside = (sector < 0) & (wall < -0.004)
    canvas.paint("infarct", inside & (depth < through), over=("myocardium",))
    canvas.paint("blood", inside & (depth < thinned * near), over=("infarct",))
