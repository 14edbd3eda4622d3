"""Parts of the abdomen around the kidneys, each painted where the slice at depth z cuts it."""

from __future__ import annotations

from typing import Any

import numpy as np
from mribench_kidney.window import Array, blob, stamp, tube

from mribench.phantom import Canvas, shapes

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
    ("urine", (0.36, 0.40, 0.70), (0.10, 0.05, 0.16), 35),
    ("bowel", (-0.12, 0.58, 0.76), (0.20, 0.10, 0.22), -14),
    ("urine", (-0.10, 0.62, 0.76), (0.08, 0.04, 0.16), 10),
    ("bowel", (0.16, 0.74, 0.70), (0.18, 0.09, 0.20), 10),
    ("bowel", (0.10, -0.10, 0.72), (0.22, 0.12, 0.24), -25),
    ("spleen", (0.32, -0.32, 0.62), (0.23, 0.20, 0.26), 25),
    ("bowel", (0.34, -0.34, 0.66), (0.20, 0.18, 0.24), 25),
    ("urine", (0.34, -0.30, 0.68), (0.11, 0.09, 0.14), 20),
    ("urine", (-0.26, 0.08, 0.80), (0.06, 0.11, 0.13), 15),
    ("blood", (-0.10, 0.10, 0.52), (0.045, 0.90, 0.07), 0),
    ("slow blood", (0.06, 0.00, 0.50), (0.045, 0.90, 0.06), -4),
)


def paint_frame(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> Array:
    """Skin, fat, wall muscles, arms, hips, lungs, the muscles of the back; returns the implicit outline inside the wall."""
    x, y = at
    fat = body["fat"]
    waist = 0.72 + fat - body["waist"] * np.exp(-(((y - 0.25) / 0.35) ** 2)) + 0.10 * np.maximum(y - 0.35, 0)
    outer = np.maximum(np.abs(x) - waist, -1.25 - y)
    canvas.paint("fat", outer)
    canvas.paint("muscle", outer + fat)
    span = np.sqrt(max(1 - ((z - 0.5) / 0.6) ** 2, 0.2))
    wall = np.abs(x) - (waist - fat) * (0.78 + 0.22 * span) + 0.07
    canvas.paint("fat", wall)
    canvas.paint("muscle", (np.abs(wall - 0.035) < 0.012) & (np.sin(y * 30) > 0) & (y < -0.1))
    for side in (-1, 1):
        _paint_side(canvas, at, body, side, z)
    if z > 0.38:
        blob(canvas, "muscle", at, 0.08, body["diaphragm"] - 0.3, 0.34, 0.32, 20, over=("fat", "lung"))
        blob(canvas, "blood", at, 0.0, body["diaphragm"] - 0.3, 0.26, 0.22, 40, over=("muscle",))
    return wall


def _paint_side(canvas: Canvas, at: At, body: dict[str, Any], side: int, z: float) -> None:
    """Lung base, psoas, quadratus lumborum, iliac wing and arm of one side."""
    low = body["diaphragm"] + 0.35 * max(0.45 - z, 0)
    lung = side * 0.36, low - 0.75
    blob(canvas, "lung", at, *lung, 0.29, 0.78 + (0.05 if side > 0 else 0))
    if 0.28 < z < 0.68:
        wide = np.sqrt(1 - ((z - 0.48) / 0.22) ** 2)
        tube(canvas, "fat", at, [(side * 0.11, 0.0), (side * 0.20, 0.45), (side * 0.32, 1.1)], np.array([0.07, 0.14, 0.15]) * wide)
        tube(canvas, "muscle", at, [(side * 0.11, 0.0), (side * 0.20, 0.45), (side * 0.32, 1.1)], np.array([0.04, 0.10, 0.10]) * wide)
    if z < 0.30:
        back, wide = [(side * 0.12, -1.2), (side * 0.15, 0.2), (side * 0.14, 1.2)], 0.55 * (0.36 - z) + 0.05
        tube(canvas, "fat", at, back, wide + 0.025)
        tube(canvas, "muscle", at, back, wide)
        tube(canvas, "muscle", at, [(side * 0.34, 0.05), (side * 0.42, 0.7)], [0.07, 0.10])
    if z < 0.55:
        wing = [(side * (0.72 - 0.1 * z), 0.42 + 0.2 * z), (side * 0.60, 0.78), (side * 0.34, 1.15)]
        tube(canvas, "muscle", at, wing, [0.04, 0.15, 0.20])
        tube(canvas, "bone", at, wing, [0.022, 0.032, 0.042])
        tube(canvas, "marrow", at, wing, [0.008, 0.016, 0.026])
    arm = side * (body["arms"][side > 0] + 0.1 * z), 0.95
    blob(canvas, "unsaturated fat", at, *arm, 0.14, 0.26, side * -14, over=("air",))


def paint_belly(canvas: Canvas, at: At, body: dict[str, Any], z: float, wall: Array) -> None:
    """Bowel, stomach, gall bladder, great vessels; then spleen and liver under the diaphragm."""
    rng = np.random.default_rng(body["organs"])
    skin = (canvas.labels == canvas.tissues.index("fat")) & (wall > 0)
    for tissue, centre, axes, turn in BELLY:
        centre = centre + rng.normal(0, 0.03, 3) * (1 if axes[1] < 0.5 else 0.4)
        axes = np.asarray(axes) * rng.uniform(0.75, 1.2, 3)
        cut = 1 - ((z - centre[2]) / axes[2]) ** 2
        turn = turn + rng.normal(0, 10) * (axes[1] < 0.5)
        if cut > 0.03:
            blob(canvas, tissue, at, *centre[:2], *(axes[:2] * np.sqrt(cut)), turn, over=("fat", "bowel"))
    _paint_spleen(canvas, at, body, z)
    _paint_liver(canvas, at, body, z, rng)
    canvas.paint("fat", skin)


def _paint_spleen(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> None:
    size = body["spleen"] * np.sqrt(max(1 - ((z - 0.30) / 0.36) ** 2, 0))
    top = body["diaphragm"] + 0.30
    if size > 0.1:
        blob(canvas, "spleen", at, 0.50, top, 0.21 * size, 0.32 * size, -24, over=("fat", "lung", "bowel", "bowel gas"))


def _paint_liver(canvas: Canvas, at: At, body: dict[str, Any], z: float, rng: np.random.Generator) -> None:
    size = body["liver"] * np.sqrt(max(1 - ((z - 0.55) / 0.62) ** 2, 0))
    top = body["diaphragm"]

    def liver(x: Array, y: Array) -> Array:
        right = shapes.superellipse(x, y, -0.42, top + 0.42, 0.40 * size, 0.50 * size, 2.4, 12)
        left = shapes.ellipse(x, y, -0.05, top + 0.28, 0.46 * size, 0.20 * size, -14)
        return np.minimum(right, left) if z > 0.5 else right

    stamp(canvas, "liver", (-0.85, -1.2, 0.5, 0.7), liver, at, over=("fat", "lung", "bowel", "blood", "bowel gas"))
    for x0, y0, angle, length, depth in rng.uniform((-0.6, 0.1, -50, 0.06, 0.2), (-0.2, 0.6, 50, 0.26, 0.8), (7, 5)):
        if abs(depth - z) < 0.2:
            a = np.radians(angle)
            points = [(x0, top + y0), (x0 + length * np.cos(a), top + y0 + length * np.sin(a))]
            tube(canvas, "slow blood", at, points, [0.008, 0.016], over=("liver",))


def paint_spine(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> None:
    """Canal and vertebral bodies: lumbar lordosis brings them to the front, so a flat slice cuts each in part."""
    front = z - body["canal"] - body["lordosis"] * np.exp(-(((at[1] - 0.35) / 0.42) ** 2))
    # front: how far the slice lies before the middle of the spinal canal, per row
    phase = np.abs(np.sin(np.pi * (at[1] - 0.03) / body["disc_period"]))
    x = np.abs(at[0])
    body_half = 0.105 * np.sqrt(np.clip(1 - ((front - 0.16) / 0.12) ** 2, 0, 1))
    canvas.paint("muscle", (x < body_half + 0.03) & (front > 0.04))
    canvas.paint("marrow", (x < body_half) & (phase > 0.42))
    canvas.paint("disc", (x < body_half * 0.85) & (phase < 0.32))
    canvas.paint("muscle", (np.abs(front) < 0.05) & (x < 0.09))
    canvas.paint("csf", x < 0.036 * np.sqrt(np.clip(1 - (front / 0.05) ** 2, 0, 1)) * np.clip(1.4 - at[1], 0, 1))
