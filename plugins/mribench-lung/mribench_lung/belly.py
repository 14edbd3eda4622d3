"""Spine and upper abdomen, where the slice at depth z cuts them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.phantom import Canvas, shapes, stamps

Array = np.ndarray
At = tuple[Array, Array]

# name of tissue, centre (x, y, z), half axes (x, y, z), turn in degrees; painted in this order
# y is counted from the diaphragm
BELLY = (
    ("spleen", (0.40, 0.26, 0.26), (0.16, 0.24, 0.28), -18),
    ("kidney", (-0.27, 0.52, 0.14), (0.12, 0.20, 0.17), 14),
    ("kidney", (0.28, 0.48, 0.14), (0.12, 0.20, 0.17), -14),
    ("muscle", (0.31, 0.25, 0.60), (0.22, 0.17, 0.28), 30),
    ("fluid", (0.31, 0.24, 0.60), (0.14, 0.10, 0.19), 30),
    ("bowel", (-0.25, 0.80, 0.70), (0.20, 0.10, 0.40), 10),
    ("bowel", (0.08, 0.55, 0.72), (0.20, 0.08, 0.32), -14),
    ("bowel", (0.40, 0.52, 0.62), (0.10, 0.20, 0.35), 10),
    ("air", (0.42, 0.38, 0.62), (0.06, 0.09, 0.20), 10),
    ("bowel", (0.16, 0.74, 0.60), (0.16, 0.10, 0.35), 20),
)


def paint_abdomen(
    canvas: Canvas, at: At, body: dict[str, Any], z: float, breath: float, cavity: Array
) -> None:
    """Everything below the diaphragm: liver, spleen, stomach, kidneys, bowel in fat."""
    rng = np.random.default_rng(body["organs"])
    level = body["diaphragm"] + breath
    x, y = at

    def dome(x: Array, y: Array) -> Array:
        lobe = np.where(x < 0, (x + 0.3) / 0.32, (x - 0.32) / 0.3)
        return level + 0.07 * (x > 0) + 0.13 * np.minimum(lobe**2, 1.2) - y

    edge = np.maximum(dome(x, y), cavity)
    canvas.paint("muscle", edge)
    canvas.paint("fat", edge + 0.02)
    if z < 0.6:
        paint_spine(canvas, at, z)
    at_belly = x, y - np.float32(level)
    for tissue, centre, axes, turn in BELLY:
        jitter = rng.normal(0, 0.025, 3)
        grow = rng.uniform(0.85, 1.15) * (body["stomach"] if tissue == "fluid" else 1)
        axes = np.asarray(axes) * grow
        stamps.ellipsoid(canvas, tissue, at_belly, centre + jitter, axes, turn, z, ("fat", "muscle", "bowel"))
    size = body["liver"] * np.sqrt(max(1 - ((z - 0.45) / 0.6) ** 2, 0.01))

    def liver(x: Array, y: Array) -> Array:
        right = shapes.ellipse(x, y, -0.36, 0.34, 0.42 * size, 0.50 * size, 12)
        left = shapes.ellipse(x, y, 0.02, 0.2, 0.40 * size, 0.17 * size, -8) if z > 0.4 else right
        return np.maximum(np.minimum(right, left), dome(x, y + level) + 0.02)

    stamps.shape(canvas, "liver", at_belly, (-0.8, -0.1, 0.6, 1.0), liver, over=("fat", "bowel"))
    for _ in range(7):
        x0, y0, angle, length = rng.uniform((-0.55, 0.08, 0, 0.05), (0.0, 0.5, 180, 0.2))
        end = x0 + length * np.cos(np.radians(angle)), y0 + length * np.sin(np.radians(angle)) * 0.6
        if abs(rng.uniform(0.1, 0.8) - z) < 0.25:
            stamps.tube(canvas, "blood", at_belly, [(x0, y0), end], [0.016, 0.008], over=("liver",))


def paint_spine(canvas: Canvas, at: At, z: float) -> None:
    """Vertebrae, discs, canal: thoracic kyphosis bends the spine through the flat slice."""

    def width(y: Array) -> Array:
        return 0.075 * np.sqrt(np.clip(1 - (ahead(y) / 0.16) ** 2, 0, 1))

    def ahead(y: Array) -> Array:
        # how far the slice lies in front of the middle of the vertebral bodies
        return z - 0.22 - 0.16 * (y + 0.05) ** 2

    def disc(y: Array) -> Array:
        return np.abs(np.sin(y * 23))

    def canal(x: Array, y: Array, half: float, deep: float) -> Array:
        return np.maximum(np.abs(x) - half, np.abs(ahead(y) + 0.15) - deep)

    box, around = (-0.12, -1.3, 0.12, 1.3), ("fat", "lung", "muscle")
    stamps.shape(canvas, "muscle", at, box, lambda x, y: np.abs(x) - width(y) - 0.035, around)
    stamps.shape(canvas, "marrow", at, box, lambda x, y: np.maximum(np.abs(x) - width(y), 0.5 - disc(y)))
    stamps.shape(canvas, "disc", at, box, lambda x, y: np.maximum(np.abs(x) - width(y), disc(y) - 0.3))
    stamps.shape(canvas, "muscle", at, box, lambda x, y: canal(x, y, 0.06, 0.05))
    stamps.shape(canvas, "fluid", at, box, lambda x, y: canal(x, y, 0.02, 0.03))
