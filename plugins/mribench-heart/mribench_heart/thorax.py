"""What lies around the heart in a short-axis view: lungs, chest wall, liver, stomach, descending aorta.

Image left is the front right of the patient, image bottom is towards the feet.
"""

from __future__ import annotations

import math

import numpy as np

from mribench.phantom import Canvas, shapes

Array = np.ndarray


def thorax(rng: np.random.Generator, h: dict[str, float]) -> dict[str, float]:
    """What one subject's chest is like; the chest wall and the diaphragm lie close to heart ``h``."""
    right_edge = h["lv_radius"] * (0.7 + 0.86 * h["rv_size"]) - h["cx"]
    lower_edge = h["cy"] + h["lv_radius"]
    return {
        "wall_distance": right_edge + rng.uniform(0.08, 0.22),
        "wall_degrees": rng.normal(203, 9),
        "wall_muscle": rng.uniform(0.08, 0.15),
        "wall_fat": rng.uniform(0.06, 0.26),
        "liver_top": lower_edge + rng.uniform(-0.01, 0.12),
        "liver_x": rng.uniform(-0.55, -0.15),
        "stomach_top": lower_edge + rng.uniform(0.04, 0.35),
        "aorta_x": rng.uniform(0.60, 0.78),
        "aorta_y": rng.uniform(0.10, 0.40),
        "aorta_radius": rng.uniform(0.08, 0.11),
        "back_distance": rng.uniform(0.80, 1.05),
        "rib_degrees": rng.uniform(-10, 10),
        "fat_pad": rng.uniform(0.03, 0.18),
        "pad_x": h["cx"] - 0.45,
        "pad_y": h["cy"] + rng.uniform(-0.1, 0.35),
    }


def wall(x: Array, y: Array, degrees: float, distance: float) -> Array:
    """Depth into the chest wall on one side (positive outside the lung): a large circle seen from within."""
    angle = math.radians(degrees)
    cx, cy = -0.9 * math.cos(angle), -0.9 * math.sin(angle)
    return np.hypot(x - cx, y - cy) - (0.9 + distance)


def paint(
    canvas: Canvas, rng: np.random.Generator, x: Array, y: Array, z: float, t: dict[str, float]
) -> None:
    """Paint everything but the heart; ``rng`` draws the subject's lung vessels."""
    canvas.paint("lung", np.full_like(x, -1.0))
    vessels(canvas, rng, x, y, z)
    # towards the apex the slice moves forward and down: the chest wall and the diaphragm come closer
    front = wall(x, y, t["wall_degrees"], t["wall_distance"] - 0.16 * z)
    upper = 0.14 * z
    liver = shapes.ellipse(x, y, t["liver_x"], t["liver_top"] - upper + 0.75, 1.05, 0.75, 6)
    stomach = shapes.ellipse(x, y, 0.62, t["stomach_top"] - upper + 0.5, 0.55, 0.5, -10)
    canvas.paint("muscle", np.minimum(liver, stomach) - 0.025)
    canvas.paint("fat", stomach)
    canvas.paint("spleen", stomach + 0.05)
    canvas.paint("liver", liver)
    for px, py in rng.uniform((-0.9, 0.75), (0.3, 1.0), (3, 2)).tolist():
        vein = shapes.ellipse(x, y, px, py - upper, 0.075, 0.026, rng.uniform(-60, 20))
        canvas.paint("blood", np.maximum(vein, liver + 0.05))
    chest(canvas, x, y, z, front, t)
    back = wall(x, y, t["wall_degrees"] + 160, t["back_distance"])
    canvas.paint("muscle", -back)
    canvas.paint("fat", 0.2 - back)
    r = t["aorta_radius"]
    canvas.paint("blood", shapes.ellipse(x, y, t["aorta_x"], t["aorta_y"], r, 1.08 * r))


def chest(canvas: Canvas, x: Array, y: Array, z: float, front: Array, t: dict[str, float]) -> None:
    """Fat pad next to the heart, muscle with ribs, subcutaneous fat, air beyond the skin."""
    pad = shapes.ellipse(x, y, t["pad_x"], t["pad_y"], 0.5, 0.65)
    canvas.paint("fat", -front - t["fat_pad"] * np.clip(-3 * pad, 0, 1))
    canvas.paint("muscle", -front)
    middle, half = math.radians(t["wall_degrees"]), 0.4 * t["wall_muscle"]
    reach = 0.9 + t["wall_distance"] - 0.16 * z + 0.5 * t["wall_muscle"]
    for k in range(-2, 3):
        degrees = t["wall_degrees"] + 23 * k + t["rib_degrees"]
        angle = math.radians(degrees)
        px = reach * math.cos(angle) - 0.9 * math.cos(middle)
        py = reach * math.sin(angle) - 0.9 * math.sin(middle)
        canvas.paint("marrow", shapes.ellipse(x, y, px, py, half, 1.9 * half, degrees))
    canvas.paint("fat", t["wall_muscle"] - front)
    canvas.paint("air", t["wall_muscle"] + t["wall_fat"] - front)


def vessels(canvas: Canvas, rng: np.random.Generator, x: Array, y: Array, z: float) -> None:
    """Pulmonary vessels of the left lung, cut across or along, larger towards the hilum."""
    for _ in range(5):
        degrees, reach = rng.uniform(-115, 25), rng.uniform(0.5, 0.85)
        radius = rng.uniform(0.008, 0.024) * (1.3 - reach) / 0.6
        shift, length = rng.normal(0, 10), rng.uniform(1, 3)
        angle = math.radians(degrees + shift * z)
        px, py = 0.1 + reach * math.cos(angle), reach * math.sin(angle)
        canvas.paint("blood", shapes.ellipse(x, y, px, py, radius * length, radius, degrees + 2 * shift))
