"""One lesion a person: a cyst or a tumour of one kidney."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.phantom import Canvas, Tissue, stamps

Array = np.ndarray

# 3 T
TISSUES = {
    "cyst": Tissue(3500, 1000, 1.00, "close to free water, assumed"),
    "renal tumour": Tissue(1650, 62, 0.84, "assumed, longer T1 and shorter T2 than cortex", texture=0.25),
}
CYST_SHARE = 0.5  # of the persons
KIDNEY = ("cortex", "medulla", "urine", "fat")


def paint(
    canvas: Canvas, rng: np.random.Generator, at: tuple[Array, Array], body: dict[str, Any], z: float
) -> None:
    """Paint the person's lesion where the slice at depth ``z`` cuts it; ``rng`` draws the same for all slices."""
    name = "cyst" if rng.random() < CYST_SHARE else "renal tumour"
    kidney = body["kidneys"][int(rng.integers(2))]
    radius = rng.uniform(0.045, 0.11)
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.45, 0.95)
    centre = (
        kidney["x"] + far * kidney["breadth"] * np.cos(angle),
        kidney["y"] + far * kidney["length"] * np.sin(angle),
        kidney["z"] + rng.uniform(-0.3, 0.3) * kidney["thickness"],
    )
    axes = radius, radius * rng.uniform(0.85, 1.2), 1.6 * radius
    stamps.ellipsoid(canvas, name, at, centre, axes, float(np.degrees(angle)), z, over=KIDNEY)
