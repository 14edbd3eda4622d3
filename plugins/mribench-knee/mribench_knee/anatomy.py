"""Where the parts of a knee lie in a sagittal slice: front is left, the thigh is above, one unit is about 8 cm."""

from __future__ import annotations

import numpy as np

from mribench.phantom import Canvas, shapes

Array = np.ndarray
CORTEX = 0.022


def knee(rng: np.random.Generator) -> dict[str, float]:
    """What one subject's knee is like."""
    return {
        "zoom": rng.uniform(0.90, 1.12),
        "cx": rng.normal(0, 0.04),
        "cy": rng.normal(0, 0.05),
        "turn": rng.normal(0, 4),
        "flexion": rng.normal(4, 5),
        "condyle": rng.uniform(0.36, 0.43),
        "roundness": rng.uniform(0.78, 0.92),
        "shaft": rng.uniform(0.17, 0.23),
        "plateau": rng.uniform(0.40, 0.47),
        "cartilage": rng.uniform(0.030, 0.060),
        "gap": rng.uniform(0.005, 0.030),
        "patella_y": rng.uniform(-0.36, -0.20),
        "patella_high": rng.uniform(0.16, 0.21),
        "patella_thick": rng.uniform(0.075, 0.11),
        "effusion": rng.uniform(0.0, 0.05),
        "fat_front": rng.uniform(0.04, 0.14),
        "fat_back": rng.uniform(0.05, 0.20),
        "calf": rng.uniform(0.14, 0.24),
    }


def condyle(x: Array, y: Array, z: float, h: dict[str, float]) -> Array:
    """The rounded end of the femur. In the middle of the joint it is the notch between the two condyles."""
    notch = notched(z)
    radius = h["condyle"] * (1 - 0.08 * abs(2 * z - 1)) * (1 - 0.25 * notch)
    cx, cy = 0.05 - 0.10 * notch, -h["condyle"] * h["roundness"] + 0.14 - 0.06 * notch
    return shapes.ellipse(x, y, cx, cy, radius, radius * h["roundness"], 8)


def notched(z: float) -> float:
    """0 in a condyle, 1 in the intercondylar notch; z walks from medial (0) to lateral (1)."""
    return float(np.clip(1 - abs(z - 0.5) / 0.14, 0, 1))


def paint(canvas: Canvas, x: Array, y: Array, z: float, h: dict[str, float]) -> None:
    """Paint the knee at level ``z``; x, y: (n, n) coordinates of the subject."""
    soft_tissue(canvas, x, y, h)
    # the lower leg bends about the joint; in the notch the plateau rises to its spines
    u, v = shapes.rotate(x, y, 0.05, 0.15, h["flexion"])
    top = h["gap"] + 2 * h["cartilage"] - 0.05 * notched(z) + 0.06 * u**2
    femur, tibia = condyle(x, y, z, h), np.maximum(tibial_head(u, v, h), top - v)
    patella_and_tendons(canvas, x, y, z, h)
    joint(canvas, u, v, z, femur, tibia, top, h)
    shaft = shapes.tube(x, y, [(0.0, -1.6), (-0.02, -0.75), (0.0, -0.30)], [h["shaft"], h["shaft"], 0.26])
    bone(canvas, np.minimum(femur, shaft))
    bone(canvas, tibia)
    if notched(z) > 0.3:
        canvas.paint("ligament", shapes.tube(x, y, [(0.10, -0.10), (0.30, 0.02), (0.36, 0.22)], 0.04))
        canvas.paint("ligament", shapes.tube(x, y, [(0.22, -0.18), (-0.14, 0.20)], 0.032))


def bone(canvas: Canvas, outline: Array) -> None:
    canvas.paint("cortex", outline)
    canvas.paint("marrow", outline + CORTEX)


def tibial_head(u: Array, v: Array, h: dict[str, float]) -> Array:
    """The tibia without its flat top, in the frame of the lower leg."""
    wide, thin = h["plateau"], h["shaft"]
    return shapes.tube(u, v, [(-0.02, 0.24), (-0.06, 0.50), (-0.06, 1.6)], [wide, 0.6 * wide + 0.05, thin])


def soft_tissue(canvas: Canvas, x: Array, y: Array, h: dict[str, float]) -> None:
    """Fat within the skin, quadriceps in front of the thigh, hamstrings and calf behind."""
    front = -0.66 - h["fat_front"] + 0.30 * np.maximum(y - 0.05, 0) - 0.02 * np.cos(4 * y)
    back = 0.66 + h["fat_back"] + 0.05 * np.cos(3 * y)
    canvas.paint("fat", np.maximum(front - x, x - back))
    quadriceps = shapes.tube(x, y, [(-0.36, -1.4), (-0.34, -0.62)], [0.26, 0.07])
    hamstrings = shapes.tube(x, y, [(0.52, -1.4), (0.56, -0.50), (0.60, -0.05)], [0.22, 0.14, 0.04])
    calf = shapes.tube(x, y, [(0.48, -0.28), (0.58, 0.25), (0.50, 1.4)], [0.05, h["calf"], h["calf"] + 0.08])
    for muscle in (quadriceps, hamstrings, calf):
        canvas.paint("muscle", np.maximum(muscle, np.maximum(front - x, x - back) + 0.04))
    canvas.paint("vessel", shapes.tube(x, y, [(0.34, -1.2), (0.44, -0.3), (0.42, 0.4)], 0.025))


def patella_and_tendons(canvas: Canvas, x: Array, y: Array, z: float, h: dict[str, float]) -> None:
    """The kneecap with its cartilage, seen in the middle slices, and the tendons above and below it."""
    seen = float(np.clip(1.25 - (abs(z - 0.5) / 0.42) ** 2, 0, 1)) ** 0.5
    if seen < 0.3:
        return
    px, py, high = -0.53, h["patella_y"], h["patella_high"] * seen
    canvas.paint("ligament", shapes.tube(x, y, [(-0.30, -1.3), (px - 0.02, py - high)], 0.035 * seen))
    bent = np.radians(h["flexion"])  # the tuberosity moves with the lower leg
    end = (0.05 - 0.42 * np.cos(bent) - 0.45 * np.sin(bent), 0.15 + 0.45 * np.cos(bent) - 0.42 * np.sin(bent))
    canvas.paint("ligament", shapes.tube(x, y, [(px - 0.02, py + 0.7 * high), end], 0.032 * seen))
    thick = h["patella_thick"] * seen
    behind = shapes.ellipse(x, y, px + h["cartilage"], py, thick, 0.9 * high, -6)
    canvas.paint("cartilage", behind)
    bone(canvas, shapes.ellipse(x, y, px, py, thick, high, -6))


def joint(
    canvas: Canvas, u: Array, v: Array, z: float, femur: Array, tibia: Array, top: Array, h: dict[str, float]
) -> None:
    """Fluid, cartilage on both bones, and the menisci: the wedges between the round and the flat one."""
    thick = h["cartilage"]
    canvas.paint("fluid", femur - thick - h["gap"] - h["effusion"])
    canvas.paint("cartilage", np.maximum(np.maximum(tibia - thick, top - thick - v), v - top - 0.03))
    canvas.paint("cartilage", np.maximum(femur - thick, -0.36 - v))
    if notched(z) < 0.5:
        wedge = np.maximum(np.maximum(thick - femur, v - top + thick), np.abs(u) - 0.95 * h["plateau"])
        near = np.maximum(wedge, 0.13 - np.abs(u + 0.01))
        canvas.paint("meniscus", np.maximum(near, -0.12 - v))
