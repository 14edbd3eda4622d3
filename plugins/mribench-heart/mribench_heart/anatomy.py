"""The heart in short axis: left ventricle, right ventricle, papillary muscles, epicardial fat.

Coordinates: image frame, half the field of view (about 90 mm) is 1. Level z runs from the base (0) to the
apex (1).
"""

from __future__ import annotations

import numpy as np

from mribench.phantom import Canvas, shapes

Array = np.ndarray
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


def heart(rng: np.random.Generator) -> dict[str, float]:
    """What one subject's heart is like in the imaged cardiac phase; lengths in half fields of view."""
    return {
        "zoom": rng.uniform(0.9, 1.15),
        "lv_radius": rng.uniform(0.31, 0.41),
        "wall": rng.uniform(0.085, 0.125),
        "contraction": float(rng.beta(0.9, 1.3)),
        "rv_size": rng.uniform(0.85, 1.2),
        "rv_degrees": rng.normal(198, 9),
        "oval": rng.uniform(0.92, 1.06),
        "fat": rng.uniform(0.0, 0.06),
        "papillary": rng.uniform(0.045, 0.075),
        "papillary_degrees": rng.normal(0, 12),
        "cx": rng.normal(0.06, 0.05),
        "cy": rng.normal(-0.02, 0.05),
        "tilt": rng.normal(0, 0.06),
        "outflow": rng.uniform(-0.15, 0.1),
    }


def at(z: float, *values: float) -> float:
    """Value at level ``z`` of what is given at each of ``LEVELS``; a Python float keeps grids float32."""
    return float(np.interp(z, LEVELS, values))


def left_ventricle(z: float, h: dict[str, float]) -> tuple[float, float, float, float]:
    """Centre, epicardial and endocardial radius at a level; contraction keeps the area of the muscle."""
    relaxed = h["lv_radius"] * at(z, 0.98, 1.0, 0.95, 0.82, 0.60)
    muscle = relaxed**2 - (relaxed - h["wall"] * at(z, 0.9, 1, 1, 1, 1.1)) ** 2
    outer = relaxed * (1 - 0.13 * h["contraction"])
    inner = np.sqrt(max(outer**2 - muscle, (0.15 * outer) ** 2))
    return h["cx"] + h["tilt"] * (z - 0.5), h["cy"] + 0.10 * (z - 0.5), float(outer), float(inner)


def right_ventricle(x: Array, y: Array, z: float, h: dict[str, float]) -> Array:
    """Outline of the right ventricle, overlapping the left one; at the base it runs up into its outflow."""
    cx, cy, outer, _ = left_ventricle(z, h)
    size = h["lv_radius"] * h["rv_size"] * (1 - 0.12 * h["contraction"])
    size *= at(z, 1.12, 1.08, 0.95, 0.70, 0.42)
    angle = np.radians(h["rv_degrees"])
    px, py = cx + 0.66 * outer * np.cos(angle), cy + 0.66 * outer * np.sin(angle)
    out = shapes.superellipse(x, y, px, py, 0.86 * size, 1.16 * size, 2.3, h["rv_degrees"])
    if z < 0.3:
        k = (1 - z / 0.3) ** 0.5
        points = [
            (cx - 0.8 * outer, cy - 0.6 * outer),
            (cx - (0.4 + h["outflow"]) * outer, cy - 1.35 * outer),
        ]
        out = np.minimum(out, shapes.tube(x, y, points, [0.22 * k, 0.15 * k]))
    return out


def paint(
    canvas: Canvas, x: Array, y: Array, z: float, h: dict[str, float], rough: Array, soft: Array
) -> None:
    """Paint the heart at level ``z``; rough, soft: (n, n) unit-variance fields for trabeculae and for fat."""
    cx, cy, outer, inner = left_ventricle(z, h)
    lv = shapes.ellipse(x, y, cx, cy, outer, outer * h["oval"], h["rv_degrees"])
    cavity = shapes.ellipse(x, y, cx, cy, inner, inner * h["oval"], h["rv_degrees"])
    rv = right_ventricle(x, y, z, h)
    whole = np.minimum(lv, rv - 0.035)
    groove = np.hypot(lv, rv)  # both outlines are near: the interventricular grooves, filled with fat
    fat = h["fat"] * (1 + 0.8 * soft)
    canvas.paint("fat", np.minimum(whole - fat, groove - 0.07 - 0.6 * fat))
    canvas.paint("myocardium", whole)
    canvas.paint("blood", np.maximum(rv + 0.022 * np.maximum(rough, 0), 0.012 - lv))
    canvas.paint("myocardium", lv + 0.008 * soft)
    canvas.paint("blood", cavity + inner * (0.04 * rough + 0.04 * soft))
    papillaries(canvas, x, y, z, h)


def papillaries(canvas: Canvas, x: Array, y: Array, z: float, h: dict[str, float]) -> None:
    """The two papillary muscles, mid-ventricular, attached to the free wall."""
    cx, cy, _, inner = left_ventricle(z, h)
    k = max(0.0, 1 - ((z - 0.52) / 0.36) ** 2) ** 0.5 * (1 + 0.25 * h["contraction"])
    for offset in (-52, 58):
        angle = np.radians(h["rv_degrees"] + 180 + offset + h["papillary_degrees"])
        r = min(h["papillary"], 0.4 * inner) * k
        if r > 0:
            far = inner * 0.74
            px, py = cx + far * np.cos(angle), cy + far * np.sin(angle)
            canvas.paint("myocardium", shapes.ellipse(x, y, px, py, r * 1.25, r * 0.85, np.degrees(angle)))
