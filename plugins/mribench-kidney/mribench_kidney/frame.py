"""What holds the abdomen: wall, back, hips, lungs, spine, where the slice at depth z cuts them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.phantom import Canvas, stamps

Array = np.ndarray
At = tuple[Array, Array]


def paint_frame(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> Array:
    """Skin, fat, wall, arms, hips, lungs, back; returns the implicit outline of what lies inside the wall."""
    x, y = at
    fat = body["fat"]
    narrow = body["waist"] * np.exp(-(((y - 0.25) / 0.35) ** 2))
    waist = 0.72 + fat - narrow + 0.10 * np.maximum(y - 0.35, 0)
    outer = np.maximum(np.abs(x) - waist, -1.25 - y)
    canvas.paint("fat", outer)
    canvas.paint("muscle", outer + fat)
    span = np.sqrt(max(1 - ((z - 0.5) / 0.6) ** 2, 0.2))
    wall = np.abs(x) - (waist - fat) * (0.78 + 0.22 * span) + 0.07
    canvas.paint("fat", wall)
    # ribs, cut across
    canvas.paint("muscle", (np.abs(wall - 0.035) < 0.012) & (np.sin(y * 30) > 0) & (y < -0.1))
    for side in (-1, 1):
        _paint_side(canvas, at, body, side, z)
    if z > 0.38:
        top = body["diaphragm"] - 0.3
        stamps.ellipse(canvas, "muscle", at, 0.08, top, 0.34, 0.32, 20, over=("fat", "lung"))
        stamps.ellipse(canvas, "blood", at, 0.0, top, 0.26, 0.22, 40, over=("muscle",))
    return wall


def _paint_side(canvas: Canvas, at: At, body: dict[str, Any], side: int, z: float) -> None:
    """Lung base, psoas, muscles of the back, iliac wing and arm of one side."""
    # the lungs reach lowest at the back
    low = body["diaphragm"] + 0.35 * max(0.45 - z, 0)
    stamps.ellipse(canvas, "lung", at, side * 0.36, low - 0.75, 0.29, 0.78 + (0.05 if side > 0 else 0))
    if 0.28 < z < 0.68:
        wide = np.sqrt(1 - ((z - 0.48) / 0.22) ** 2)
        psoas = [(side * 0.11, 0.0), (side * 0.20, 0.45), (side * 0.32, 1.1)]
        stamps.tube(canvas, "fat", at, psoas, np.array([0.07, 0.14, 0.15]) * wide)
        stamps.tube(canvas, "muscle", at, psoas, np.array([0.04, 0.10, 0.10]) * wide)
    if z < 0.30:
        back, wide = [(side * 0.12, -1.2), (side * 0.15, 0.2), (side * 0.14, 1.2)], 0.55 * (0.36 - z) + 0.05
        stamps.tube(canvas, "fat", at, back, wide + 0.025)
        stamps.tube(canvas, "muscle", at, back, wide)
        stamps.tube(canvas, "muscle", at, [(side * 0.34, 0.05), (side * 0.42, 0.7)], [0.07, 0.10])
    if z < 0.55:
        wing = [(side * (0.72 - 0.1 * z), 0.42 + 0.2 * z), (side * 0.60, 0.78), (side * 0.34, 1.15)]
        stamps.tube(canvas, "muscle", at, wing, [0.04, 0.15, 0.20])
        stamps.tube(canvas, "bone", at, wing, [0.022, 0.032, 0.042])
        stamps.tube(canvas, "marrow", at, wing, [0.008, 0.016, 0.026])
    arm = side * (body["arms"][int(side > 0)] + 0.1 * z), 0.95
    stamps.ellipse(canvas, "unsaturated fat", at, *arm, 0.14, 0.26, side * -14, over=("air",))


def paint_spine(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> None:
    """Canal and vertebral bodies: lumbar lordosis bends them through the flat slice."""
    x, y = np.abs(at[0]), at[1]
    # how far the slice lies in front of the middle of the spinal canal
    front = z - body["canal"] - body["lordosis"] * np.exp(-(((y - 0.35) / 0.42) ** 2))
    phase = np.abs(np.sin(np.pi * (y - 0.03) / body["disc_period"]))
    half = 0.105 * np.sqrt(np.clip(1 - ((front - 0.16) / 0.12) ** 2, 0, 1))
    canvas.paint("muscle", (x < half + 0.03) & (front > 0.04))
    canvas.paint("marrow", (x < half) & (phase > 0.42))
    canvas.paint("disc", (x < half * 0.85) & (phase < 0.32))
    canvas.paint("muscle", (np.abs(front) < 0.05) & (x < 0.09))
    canal = 0.036 * np.sqrt(np.clip(1 - (front / 0.05) ** 2, 0, 1)) * np.clip(1.4 - y, 0, 1)
    canvas.paint("csf", x < canal)
