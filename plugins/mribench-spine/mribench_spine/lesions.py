"""One lesion a person: a herniated disc, or a metastasis in a vertebral body. Lengths in mm."""

from __future__ import annotations

import numpy as np

from mribench.phantom import Canvas, Tissue
from mribench_spine.anatomy import Along

# 1.5 T
TISSUES = {
    "herniation": Tissue(1000, 60, 0.72, "assumed, between annulus and nucleus", texture=0.06),
    "metastasis": Tissue(1300, 110, 0.88, "assumed: tumour has replaced fatty marrow", texture=0.10),
}
HERNIATION_SHARE = 0.5  # of the persons
# lower discs herniate more often
DISCS, DISC_SHARES = (-2.5, -1.5, -0.5, 0.5), (0.05, 0.1, 0.4, 0.45)
# what a herniated disc pushes aside
CANAL = ("CSF", "nerve roots", "spinal cord", "ligament", "fat")


def paint(canvas: Canvas, rng: np.random.Generator, at: Along, pitch: float) -> None:
    """Paint the person's lesion where the slice cuts it; ``rng`` draws the same for all slices."""
    if rng.random() < HERNIATION_SHARE:
        level = float(rng.choice(DISCS, p=DISC_SHARES))
        out, high, side = rng.uniform(8, 13), rng.uniform(7, 11), rng.normal(0, 3)
        v = (at.behind - at.depth) / out
        w = (at.level - level) * pitch / high
        across = (at.lateral - side) / 12
        canvas.paint("herniation", v**2 + w**2 + across**2 - 1, over=CANAL)
        return
    level, radius = float(rng.integers(-4, 1)), rng.uniform(8, 14)
    forward, down, side = rng.uniform(-6, 6), rng.uniform(-5, 5), rng.uniform(-8, 8)
    along = (at.level - level) * pitch - down
    ball = (at.behind - forward) ** 2 + along**2 + (at.lateral - side) ** 2 - radius**2
    canvas.paint("metastasis", ball, over=("marrow",))
