"""The wall of the thorax, the arms and the lungs, where the slice at depth z cuts them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.phantom import Canvas, fields, shapes, stamps

Array = np.ndarray
At = tuple[Array, Array]


def paint_chest(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> Array:
    """Skin, fat, muscle, arms, ribs and both lungs; returns the implicit outline of the rib cage's inside."""
    x, y = at
    fat = body["fat"]
    outer = np.minimum(
        shapes.superellipse(x, y, 0, 0.62, 0.72 + fat, 1.40, 4),
        np.maximum(np.abs(x) - 0.2, y + 0.5),
    )
    canvas.paint("fat", outer)
    rng = np.random.default_rng([body["outline"], 2])
    uneven = 1 + 0.35 * fields.smooth_field(rng, *canvas.axes, 0.3, 8)
    canvas.paint("muscle", outer + fat * uneven)
    for side in (-1, 1):
        elbow = side * (1.02 + body["arms"])
        arm = [(side * 0.30, -0.80), (side * 0.78, -0.66), (elbow, -0.20), (elbow + side * 0.06, 1.1)]
        stamps.tube(canvas, "fat", at, arm, [0.13, 0.18, 0.17, 0.16], over=("air", "muscle"))
        stamps.tube(canvas, "muscle", at, arm, [0.10, 0.14, 0.11, 0.10])
        stamps.tube(canvas, "marrow", at, arm[1:], [0.08, 0.035, 0.03])
        if z > 0.5:
            size = body["breast"] * min((z - 0.5) / 0.25, 1)
            if size > 0.05:
                stamps.ellipse(canvas, "fat", at, side * 0.76, 0.14, 0.24 * size, 0.38 * size, side * -12)
    _paint_streaks(canvas, at, body, z)
    span = np.sqrt(max(1 - ((z - 0.42) / 0.75) ** 2, 0.3))
    cavity = shapes.superellipse(x, y, 0, 0.45, 0.64 * span, 1.12 * (0.6 + 0.4 * span), 3)
    canvas.paint("muscle", cavity - 0.05 * uneven)
    canvas.paint(
        "marrow", (np.abs(cavity - 0.02) < 0.018) & (np.sin(y * 38 + 4 * np.abs(x)) > 0.1) & (y < 0.5)
    )
    canvas.paint("fat", cavity)
    for side in (-1, 1):
        _paint_lung(canvas, at, body, side, span)
    return cavity


def _paint_lung(canvas: Canvas, at: At, body: dict[str, Any], side: int, span: float) -> None:
    cx, rx = side * 0.355 * span, 0.29 * span * body["lung_width"]
    ry, lean = 0.98 * (0.6 + 0.4 * span), side * -body["lung_lean"]

    def lung(x: Array, y: Array) -> Array:
        return shapes.superellipse(x, y, cx, 0.35, rx, ry, 2.6, lean)

    stamps.shape(canvas, "lung", at, (cx - 0.45, -0.8, cx + 0.45, 1.4), lung, over=("fat",))


def _paint_streaks(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> None:
    """Fat between the muscles of shoulder and flank, along the body's outline."""
    rng = np.random.default_rng([body["outline"], 1])
    for _ in range(22):
        side, down, depth = rng.choice((-1, 1)), rng.uniform(-0.8, 0.8), rng.uniform(0, 1)
        length, width = rng.uniform(0.1, 0.35), rng.uniform(0.008, 0.022)
        x0 = side * (rng.uniform(0.62, 0.8) if down > -0.45 else rng.uniform(0.2, 0.85))
        lean = rng.normal(0, 12) + (90 if down > -0.45 else 20 * side)
        dx, dy = length * np.cos(np.radians(lean)), length * np.sin(np.radians(lean))
        if abs(depth - z) < 0.4:
            stamps.tube(
                canvas,
                "fat",
                at,
                [(x0 - dx / 2, down - dy / 2), (x0 + dx / 2, down + dy / 2)],
                width,
                over=("muscle",),
            )
