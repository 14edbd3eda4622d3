"""One lesion a person: a nodule in one lung, or an effusion at its base."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.phantom import Canvas, Tissue, stamps

Array = np.ndarray

# 1.5 T
TISSUES = {
    "nodule": Tissue(1100, 75, 0.85, "assumed: solid tumour", texture=0.08),
    "effusion": Tissue(3200, 900, 1.0, "close to free water, assumed"),
}
NODULE_SHARE = 0.6  # of the persons


def paint(
    canvas: Canvas, rng: np.random.Generator, at: tuple[Array, Array], body: dict[str, Any], z: float
) -> None:
    """Paint the person's lesion where the slice at depth ``z`` cuts it; ``rng`` draws the same for all slices."""
    side = -1 if rng.random() < 0.5 else 1
    if rng.random() < NODULE_SHARE:
        radius = rng.uniform(0.045, 0.11)
        centre = side * rng.uniform(0.26, 0.45), rng.uniform(-0.35, 0.1), rng.uniform(0.25, 0.7)
        axes = radius, radius * rng.uniform(0.85, 1.2), 1.7 * radius
        stamps.ellipsoid(
            canvas, "nodule", at, centre, axes, float(rng.uniform(0, 90)), z, over=("lung", "blood")
        )
        return
    # fluid gathers at the back, and higher along the chest wall than in the middle
    level, slope = body["diaphragm"] + rng.uniform(-0.22, -0.08), rng.uniform(0.3, 0.7)
    x, y = at
    surface = level + 0.35 * (z - 0.3) + slope * (0.2 - 1.6 * np.abs(x) ** 3)
    canvas.paint("effusion", (side * x > 0) & (y > surface), over=("lung",))
