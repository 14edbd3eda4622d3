"""The abdomen in coronal slices: x to the patient's left, y caudal, z from the back (0) to the front (1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.phantom import Canvas, fields, shapes, station
from mribench_kidney.belly import paint_belly
from mribench_kidney.frame import paint_frame, paint_spine
from mribench_kidney.renal import paint_kidney


def draw_subject(rng: np.random.Generator) -> dict[str, Any]:
    """What all slices of a subject share: lengths in halves of the field of view, angles in degrees."""
    u = rng.uniform
    return {
        "zoom": u(0.84, 1.15),
        "shift": [u(-0.05, 0.05), u(-0.12, 0.12)],
        "roll": rng.normal(0, 2.0),
        "width": u(0.9, 1.1),
        "fat": 0.02 + 0.22 * rng.beta(1.5, 2.5),
        "fat_residual": 0.08 + 0.3 * rng.beta(1.2, 3.0),
        "waist": u(-0.02, 0.16),
        "diaphragm": u(-0.85, -0.45),
        "liver": u(0.88, 1.12),
        "spleen": u(0.8, 1.25),
        "kidneys": [_draw_kidney(rng, side) for side in (-1, 1)],
        "lordosis": u(0.08, 0.22),
        "canal": u(0.10, 0.20),
        "disc_period": u(0.19, 0.23),
        "arms": [u(0.88, 1.12), u(0.88, 1.12)],
        "depth": u(-0.05, 0.05),
        "snr": u(30, 70),
        "coil_y": u(-0.2, 0.2),
        "coil_reach": u(0.9, 1.6),
        "coil_rim": u(0.8, 2.6),
        "outline": int(rng.integers(2**31)),
        "organs": int(rng.integers(2**31)),
    }


def _draw_kidney(rng: np.random.Generator, side: int) -> dict[str, float]:
    """One kidney; the patient's right one (side -1, image left) lies lower, under the liver."""
    u = rng.uniform
    return {
        "side": side,
        "x": side * u(0.36, 0.45),
        "y": u(-0.02, 0.14) - 0.06 * side,
        "z": u(0.34, 0.44),
        "length": u(0.27, 0.345),
        "breadth": u(0.125, 0.17),
        "thickness": u(0.26, 0.34),
        "tilt": side * -u(8, 24),
        "bow": u(0.4, 1.1),
        "rim": u(0.004, 0.022),
        "sinus": u(0.4, 1.1),
        "pelvis": u(0.2, 1.1),
        "pyramids": int(rng.integers(6, 9)),
    }


def depth_of(slice: int, offset: float, rng: np.random.Generator) -> float:
    """Depth z of a slice: 0.17 (back) to 0.57 (front) over five slices, with jitter; later ones between."""
    there = (station(slice) + 0.5) / 5
    return float(0.12 + 0.50 * there + offset + rng.uniform(-0.02, 0.02))


def paint_slice(
    canvas: Canvas, body: dict[str, Any], slice: int, here: np.random.Generator
) -> tuple[dict[str, float], tuple[np.ndarray, np.ndarray]]:
    """Paint one slice; returns what was drawn for it, and the coordinates (x, y) of its organs at each sample."""
    z = depth_of(slice, body["depth"], here)
    breath = float(here.normal(0, 0.012))
    at = _coordinates(canvas, body, here)
    moved = at[0], at[1] - np.float32(breath)
    wall = paint_frame(canvas, at, body, z)
    paint_belly(canvas, moved, body, z, wall)
    for kidney in body["kidneys"]:
        paint_kidney(canvas, moved, kidney, z)
    paint_spine(canvas, at, body, z)
    return {"z": z, "breath": breath}, moved


def _coordinates(
    canvas: Canvas, body: dict[str, Any], here: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Anatomical coordinates of every sample: posed, then bent, mostly per subject."""
    person = np.random.default_rng(body["outline"])
    x, y = shapes.rotate(canvas.x, canvas.y, *body["shift"], body["roll"])
    x, y = x / (body["zoom"] * body["width"]), y / body["zoom"]
    for rng, amplitude, scale in ((person, 0.022, 0.6), (person, 0.007, 0.16), (here, 0.005, 0.25)):
        dx, dy = fields.wobble(rng, *canvas.axes, amplitude, scale, modes=8)
        x, y = x + dx, y + dy
    return x, y
