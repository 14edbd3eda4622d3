"""Parts of the thorax, each painted where the slice at depth z cuts it."""

from __future__ import annotations

from typing import Any

import numpy as np
from mribench_lung.window import Array, blob, stamp, tube

from mribench.phantom import Canvas, shapes

At = tuple[Array, Array]

# name of tissue, centre (x, y, z), half axes (x, y, z), turn in degrees; painted in this order
HEART = (
    ("fat", (0.09, 0.13, 0.68), (0.34, 0.22, 0.26), 22),
    ("myocardium", (0.07, 0.08, 0.62), (0.29, 0.22, 0.26), 28),
    ("blood", (0.02, -0.02, 0.42), (0.15, 0.10, 0.15), 0),
    ("blood", (-0.14, 0.07, 0.60), (0.11, 0.16, 0.19), 0),
    ("blood", (0.04, 0.17, 0.78), (0.24, 0.12, 0.21), 16),
    ("myocardium", (0.19, 0.08, 0.60), (0.20, 0.15, 0.22), 35),
    ("blood", (0.19, 0.08, 0.60), (0.15, 0.105, 0.18), 35),
)
GREAT_VESSELS = (
    ("lung", (0.00, -0.36, 0.42), (0.035, 0.22, 0.09), 0),
    ("blood", (-0.12, -0.26, 0.55), (0.042, 0.19, 0.08), 0),
    ("blood", (-0.09, 0.36, 0.42), (0.045, 0.14, 0.08), 0),
    ("blood", (-0.10, -0.10, 0.48), (0.15, 0.05, 0.10), -8),
    ("blood", (0.13, -0.14, 0.47), (0.11, 0.055, 0.11), 12),
    ("blood", (0.09, -0.14, 0.66), (0.07, 0.14, 0.13), -12),
    ("blood", (-0.03, -0.16, 0.62), (0.065, 0.18, 0.12), 8),
    ("blood", (0.07, -0.32, 0.47), (0.08, 0.065, 0.16), 0),
    ("blood", (0.08, 0.16, 0.26), (0.05, 0.55, 0.10), 5),
)
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
    ("lung", (0.42, 0.38, 0.62), (0.06, 0.09, 0.20), 10),
    ("bowel", (0.16, 0.74, 0.60), (0.16, 0.10, 0.35), 20),
)


def paint_chest(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> Array:
    """Skin, fat, muscle, arms, ribs and both lungs; returns the implicit outline of the rib cage's inside."""
    x, y = at
    fat = body["fat"]
    outer = np.minimum(
        shapes.superellipse(x, y, 0, 0.62, 0.72 + fat, 1.40, 4), shapes.superellipse(x, y, 0, -1.0, 0.2, 0.5, 4)
    )
    canvas.paint("fat", outer)
    canvas.paint("muscle", outer + fat)
    for side in (-1, 1):
        elbow = side * (1.02 + body["arms"])
        arm = [(side * 0.30, -0.80), (side * 0.78, -0.66), (elbow, -0.20), (elbow + side * 0.06, 1.1)]
        tube(canvas, "fat", at, arm, [0.13, 0.18, 0.17, 0.16], over=("air", "muscle"))
        tube(canvas, "muscle", at, arm, [0.10, 0.14, 0.11, 0.10])
        tube(canvas, "marrow", at, arm[1:], [0.08, 0.035, 0.03])
    _paint_streaks(canvas, at, body, z)
    span = np.sqrt(max(1 - ((z - 0.42) / 0.75) ** 2, 0.3))
    tall = 0.6 + 0.4 * span
    cavity = shapes.superellipse(x, y, 0, 0.45, 0.64 * span, 1.12 * tall, 3)
    canvas.paint("muscle", cavity - 0.05)
    canvas.paint("marrow", (np.abs(cavity - 0.02) < 0.018) & (np.sin(y * 38 + 4 * np.abs(x)) > 0.1) & (y < 0.5))
    canvas.paint("fat", cavity)
    for side in (-1, 1):
        lung = shapes.superellipse(
            x, y, side * 0.34 * span, 0.35, 0.275 * span * body["lung_width"], 0.98 * tall, 2.6,
            side * -body["lung_lean"],
        )  # fmt: skip
        canvas.paint("lung", np.maximum(lung, cavity + 0.015))
    return cavity


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
            tube(canvas, "fat", at, [(x0 - dx / 2, down - dy / 2), (x0 + dx / 2, down + dy / 2)], width, over=("muscle",))


def _paint_spine(canvas: Canvas, at: At, z: float) -> None:
    width = 0.085 * np.sqrt(max(1 - ((z - 0.2) / 0.18) ** 2, 0.1))
    box = -width - 0.05, -1.2, width + 0.05, 1.2
    stamp(canvas, "muscle", box, lambda x, y: np.abs(x) - width - 0.04, at, over=("fat", "lung", "muscle"))
    stamp(canvas, "marrow", box, lambda x, y: np.maximum(np.abs(x) - width, 0.6 - np.abs(np.sin(y * 23))), at)
    stamp(canvas, "disc", box, lambda x, y: np.maximum(np.abs(x) - width, np.abs(np.sin(y * 23)) - 0.3), at)
    if z < 0.11:
        stamp(canvas, "fluid", box, lambda x, y: np.abs(x) - 0.018, at)


def paint_abdomen(canvas: Canvas, at: At, body: dict[str, Any], z: float, breath: float, cavity: Array) -> None:
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
    if z < 0.36:
        _paint_spine(canvas, at, z)
    at_belly = x, y - np.float32(level)
    for tissue, centre, axes, turn in BELLY:
        jitter = rng.normal(0, 0.025, 3)
        grow = rng.uniform(0.85, 1.15) * (body["stomach"] if tissue == "fluid" else 1)
        _ellipsoid(canvas, tissue, at_belly, centre + jitter, np.asarray(axes) * grow, turn, z, over=("fat", "muscle", "bowel"))
    size = body["liver"] * np.sqrt(max(1 - ((z - 0.45) / 0.6) ** 2, 0))

    def liver(x: Array, y: Array) -> Array:
        right = shapes.ellipse(x, y, -0.36, 0.34, 0.42 * size, 0.50 * size, 12)
        left = shapes.ellipse(x, y, 0.02, 0.2, 0.40 * size, 0.17 * size, -8) if z > 0.4 else right
        return np.maximum(np.minimum(right, left), dome(x, y + level) + 0.02)

    stamp(canvas, "liver", (-0.8, -0.1, 0.6, 1.0), liver, at_belly, over=("fat", "bowel"))
    for _ in range(7):
        x0, y0, angle, length = rng.uniform((-0.55, 0.08, 0, 0.05), (0.0, 0.5, 180, 0.2))
        end = x0 + length * np.cos(np.radians(angle)), y0 + length * np.sin(np.radians(angle)) * 0.6
        if abs(rng.uniform(0.1, 0.8) - z) < 0.25:
            tube(canvas, "blood", at_belly, [(x0, y0), end], [0.016, 0.008], over=("liver",))


def paint_vessels(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> None:
    """Pulmonary vessels: a tree from each hilum; a slice shows the pieces that run close to its plane."""
    rng = np.random.default_rng(body["tree"])
    for x, y, depth, radius in rng.uniform((-0.55, -0.5, 0, 0.006), (0.55, 0.4, 1, 0.02), (90, 4)):
        if abs(depth - z) < 0.12:
            blob(canvas, "blood", at, x, y, radius, radius * 1.4, 90 * depth, over=("lung",))
    for side in (-1, 1):
        for angle in np.linspace(-70, 75, 9) + rng.normal(0, 6, 9):
            depth, length = rng.uniform(0.1, 0.85), rng.uniform(0.22, 0.42)
            bow = rng.normal(0, 10)
            points = [np.array([side * 0.12, -0.06 + 0.0016 * angle, 0.45])]
            for k in range(4):
                a = np.radians(angle + bow * k)
                step = np.array([side * np.cos(a), np.sin(a), 0]) * length / 4
                points.append(points[-1] + step + (0, 0, (depth - 0.45) / 4))
            radii = [0.032, 0.022, 0.016, 0.012, 0.008]
            for p, q, r0, r1 in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
                if abs((p[2] + q[2]) / 2 - z) < 0.09:
                    tube(canvas, "blood", at, [tuple(p[:2]), tuple(q[:2])], [r0, r1], over=("lung",))


def paint_heart(canvas: Canvas, at: At, body: dict[str, Any], z: float) -> None:
    """Heart and great vessels."""
    rng = np.random.default_rng(body["organs"] + 1)
    shift = np.array([*body["heart_shift"], 0.0])
    for parts, scale, turn in ((GREAT_VESSELS, 1.0, 0.0), (HEART, body["heart"], body["heart_turn"])):
        for tissue, centre, axes, degrees in parts:
            jitter = rng.normal(0, 0.012, 3)
            grow = scale * rng.uniform(0.9, 1.1)
            _ellipsoid(canvas, tissue, at, centre + shift + jitter, np.asarray(axes) * grow, degrees + turn, z)


def _ellipsoid(
    canvas: Canvas, tissue: str, at: At, centre: Array, axes: Array, degrees: float, z: float,
    over: tuple[str, ...] | None = None,
) -> None:  # fmt: skip
    """Paint the cut at depth z through an ellipsoid with one axis along z."""
    cut = 1 - ((z - centre[2]) / axes[2]) ** 2
    if cut > 0.02:
        rx, ry = axes[:2] * np.sqrt(cut)
        blob(canvas, tissue, at, centre[0], centre[1], rx, ry, degrees, over)
