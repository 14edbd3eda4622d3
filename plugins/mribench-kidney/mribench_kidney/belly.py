"""Bowel, spleen and liver, each painted where the slice at depth z cuts it."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.phantom import Canvas, shapes, stamps

Array = np.ndarray
At = tuple[Array, Array]

# name of tissue, centre (x, y, z), half axes (x, y, z), turn in degrees; painted in this order
BELLY = (
    ("bowel", (0.44, 0.02, 0.62), (0.20, 0.14, 0.24), 60),
    ("bowel", (-0.30, 0.36, 0.64), (0.18, 0.14, 0.22), -20),
    ("bowel", (-0.50, 0.45, 0.50), (0.12, 0.26, 0.30), 8),
    ("bowel gas", (-0.50, 0.42, 0.54), (0.07, 0.13, 0.16), 0),
    ("bowel", (0.54, 0.42, 0.46), (0.10, 0.30, 0.28), -6),
    ("bowel gas", (0.54, 0.36, 0.48), (0.05, 0.12, 0.16), 0),
    ("bowel", (0.30, 0.42, 0.70), (0.20, 0.10, 0.22), 20),
    ("fluid", (0.36, 0.40, 0.70), (0.10, 0.05, 0.16), 35),
    ("bowel", (-0.12, 0.58, 0.76), (0.20, 0.10, 0.22), -14),
    ("fluid", (-0.10, 0.62, 0.76), (0.08, 0.04, 0.16), 10),
    ("bowel", (0.16, 0.74, 0.70), (0.18, 0.09, 0.20), 10),
    ("bowel", (0.10, -0.10, 0.72), (0.22, 0.12, 0.24), -25),
    ("stomach", (0.32, -0.32, 0.62), (0.23, 0.20, 0.26), 25),
    ("bowel", (0.34, -0.34, 0.66), (0.20, 0.18, 0.24), 25),
    ("fluid", (0.34, -0.30, 0.68), (0.11, 0.09, 0.14), 20),
    ("fluid", (-0.26, 0.08, 0.80), (0.06, 0.11, 0.13), 15),
    ("blood", (-0.10, 0.10, 0.52), (0.045, 0.90, 0.07), 0),
    ("slow blood", (0.06, 0.00, 0.50), (0.045, 0.90, 0.06), -4),
)


def paint_belly(canvas: Canvas, at: At, body: dict[str, Any], z: float, wall: Array) -> None:
    """Bowel, stomach, gall bladder, great vessels; then spleen and liver; all inside ``wall``."""
    rng = np.random.default_rng(body["organs"])
    skin = (canvas.labels == canvas.tissues.index("fat")) & (wall > 0)
    for tissue, centre, axes, turn in BELLY:
        vessel = axes[1] > 0.5
        centre = centre + rng.normal(0, 0.03, 3) * (0.4 if vessel else 1)
        axes = np.asarray(axes) * rng.uniform(0.75, 1.2, 3)
        turn = turn + rng.normal(0, 10) * (not vessel)
        stamps.ellipsoid(canvas, tissue, at, centre, axes, turn, z, over=("fat", "bowel", "stomach"))
    _paint_spleen(canvas, at, body, z)
    _paint_liver(canvas, at, body, z, rng)
    canvas.paint("fat", skin)


def _paint_spleen(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> None:
    size = body["spleen"] * np.sqrt(max(1 - ((z - 0.30) / 0.36) ** 2, 0))
    if size > 0.1:
        over = "fat", "lung", "bowel", "stomach", "bowel gas"
        stamps.ellipse(
            canvas, "spleen", at, 0.50, body["diaphragm"] + 0.30, 0.21 * size, 0.32 * size, -24, over
        )


def _paint_liver(canvas: Canvas, at: At, body: dict[str, Any], z: float, rng: np.random.Generator) -> None:
    size = body["liver"] * np.sqrt(max(1 - ((z - 0.55) / 0.62) ** 2, 0.01))
    top = body["diaphragm"]

    def liver(x: Array, y: Array) -> Array:
        right = shapes.superellipse(x, y, -0.42, top + 0.42, 0.40 * size, 0.50 * size, 2.4, 12)
        left = shapes.ellipse(x, y, -0.05, top + 0.28, 0.46 * size, 0.20 * size, -14)
        return np.minimum(right, left) if z > 0.5 else right

    over = "fat", "lung", "bowel", "stomach", "blood", "bowel gas"
    stamps.shape(canvas, "liver", at, (-0.95, top - 0.3, 0.55, top + 1.1), liver, over)
    low, high = (-0.6, 0.1, -50, 0.06, 0.2), (-0.2, 0.6, 50, 0.26, 0.8)
    for x0, y0, angle, length, depth in rng.uniform(low, high, (7, 5)):
        if abs(depth - z) < 0.2:
            a = np.radians(angle)
            points = [(x0, top + y0), (x0 + length * np.cos(a), top + y0 + length * np.sin(a))]
            stamps.tube(canvas, "slow blood", at, points, [0.008, 0.016], over=("liver",))
