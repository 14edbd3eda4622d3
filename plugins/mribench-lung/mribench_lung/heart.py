"""Heart, great vessels and the vessels of the lungs, where the slice at depth z cuts them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.phantom import Canvas, stamps

Array = np.ndarray
At = tuple[Array, Array]

# name of tissue, centre (x, y, z), half axes (x, y, z), turn in degrees; painted in this order
HEART = (
    ("fat", (0.13, 0.17, 0.68), (0.30, 0.17, 0.24), 22),
    ("myocardium", (0.07, 0.08, 0.62), (0.29, 0.22, 0.26), 28),
    ("blood", (0.02, -0.02, 0.42), (0.15, 0.10, 0.15), 0),
    ("blood", (-0.14, 0.07, 0.60), (0.11, 0.16, 0.19), 0),
    ("blood", (0.04, 0.17, 0.78), (0.24, 0.12, 0.21), 16),
    ("myocardium", (0.19, 0.08, 0.60), (0.20, 0.15, 0.22), 35),
    ("blood", (0.19, 0.08, 0.60), (0.15, 0.105, 0.18), 35),
)
GREAT_VESSELS = (
    ("air", (0.00, -0.36, 0.42), (0.035, 0.22, 0.09), 0),
    ("blood", (-0.12, -0.26, 0.55), (0.042, 0.19, 0.08), 0),
    ("blood", (-0.09, 0.36, 0.42), (0.045, 0.14, 0.08), 0),
    ("blood", (-0.10, -0.10, 0.48), (0.15, 0.05, 0.10), -8),
    ("blood", (0.13, -0.14, 0.47), (0.11, 0.055, 0.11), 12),
    ("blood", (0.09, -0.14, 0.66), (0.07, 0.14, 0.13), -12),
    ("blood", (-0.03, -0.16, 0.62), (0.065, 0.18, 0.12), 8),
    ("blood", (0.07, -0.32, 0.47), (0.08, 0.065, 0.16), 0),
    ("blood", (0.08, 0.16, 0.26), (0.05, 0.55, 0.10), 5),
)


def paint_vessels(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> None:
    """Pulmonary vessels: a tree from each hilum; a slice shows the pieces that run close to its plane."""
    rng = np.random.default_rng(body["tree"])
    for x, y, depth, radius in rng.uniform((-0.55, -0.5, 0, 0.006), (0.55, 0.4, 1, 0.02), (90, 4)):
        if abs(depth - z) < 0.12:
            stamps.ellipse(canvas, "blood", at, x, y, radius, radius * 1.4, 90 * depth, over=("lung",))
    for side in (-1, 1):
        for angle in np.linspace(-70, 75, 9) + rng.normal(0, 6, 9):
            depth, length = rng.uniform(0.1, 0.85), rng.uniform(0.22, 0.42)
            bow = rng.normal(0, 10)
            points = [np.array([side * 0.12, -0.06 + 0.0016 * angle, 0.45])]
            for k in range(4):
                a = np.radians(angle + bow * k)
                step = np.array([side * np.cos(a), np.sin(a), 0]) * length / 4
                points.append(points[-1] + step + (0, 0, (depth - 0.45) / 4))
            radii = [0.027, 0.019, 0.014, 0.011, 0.007]
            for p, q, r0, r1 in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
                if abs((p[2] + q[2]) / 2 - z) < 0.09:
                    stamps.tube(canvas, "blood", at, [tuple(p[:2]), tuple(q[:2])], [r0, r1], over=("lung",))


def paint_heart(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> None:
    """Heart and great vessels."""
    rng = np.random.default_rng(body["organs"] + 1)
    shift = np.array([*body["heart_shift"], 0.0])
    for parts, scale, turn in ((GREAT_VESSELS, 1.0, 0.0), (HEART, body["heart"], body["heart_turn"])):
        for tissue, centre, axes, degrees in parts:
            jitter = rng.normal(0, 0.012, 3)
            grow = scale * rng.uniform(0.9, 1.1)
            stamps.ellipsoid(
                canvas, tissue, at, centre + shift + jitter, np.asarray(axes) * grow, degrees + turn, z
            )
