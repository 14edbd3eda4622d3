"""The thorax in coronal slices: x to the patient's left, y caudal, z from the back (0) to the front (1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.phantom import Canvas, fields, shapes, station
from mribench_lung.belly import paint_abdomen
from mribench_lung.chest import paint_chest
from mribench_lung.heart import paint_heart, paint_vessels


def draw_subject(rng: np.random.Generator) -> dict[str, Any]:
    """What all slices of a subject share: lengths in halves of the field of view, angles in degrees."""
    u = rng.uniform
    return {
        "zoom": u(0.9, 1.15),
        "shift": [u(-0.06, 0.06), u(-0.08, 0.08)],
        "roll": rng.normal(0, 2.0),
        "width": u(0.9, 1.12),
        "fat": 0.03 + 0.16 * rng.beta(1.5, 2.5),
        "breast": max(u(-1.0, 1.0), 0.0),
        "arms": u(-0.06, 0.12),
        "lung_width": u(0.92, 1.08),
        "lung_lean": u(2, 8),
        "diaphragm": u(0.02, 0.38),
        "heart": u(0.9, 1.2),
        "heart_shift": [u(-0.03, 0.04), u(-0.05, 0.05)],
        "heart_turn": u(-15, 15),
        "liver": u(0.85, 1.15),
        "stomach": u(0.5, 1.25),
        "depth": u(-0.05, 0.05),
        "snr": u(25, 60),
        "coil_x": u(-0.15, 0.15),
        "coil_y": u(0.0, 0.35),
        "coil_reach": u(0.62, 1.05),
        "outline": int(rng.integers(2**31)),
        "tree": int(rng.integers(2**31)),
        "organs": int(rng.integers(2**31)),
    }


def depth_of(slice: int, offset: float, rng: np.random.Generator) -> float:
    """Depth z of a slice: 0.14 (back) to 0.82 (front) over five slices, with jitter; later ones between."""
    there = (station(slice) + 0.5) / 5
    return float(0.06 + 0.84 * there + offset + rng.uniform(-0.03, 0.03))


def paint_slice(
    canvas: Canvas, body: dict[str, Any], slice: int, here: np.random.Generator
) -> tuple[dict[str, float], tuple[np.ndarray, np.ndarray]]:
    """Paint one slice; returns what was drawn for it, and the coordinates (x, y) of its organs at each sample."""
    z = depth_of(slice, body["depth"], here)
    breath = float(here.normal(0, 0.012))
    at = _coordinates(canvas, body, here)
    cavity = paint_chest(canvas, at, body, z)
    paint_abdomen(canvas, at, body, z, breath, cavity)
    paint_vessels(canvas, at, body, z)
    paint_heart(canvas, at, body, z)
    return {"z": z, "breath": breath}, at


def _coordinates(
    canvas: Canvas, body: dict[str, Any], here: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Anatomical coordinates of every sample: posed, then bent, mostly per subject."""
    person = np.random.default_rng(body["outline"])
    x, y = shapes.rotate(canvas.x, canvas.y, *body["shift"], body["roll"])
    x, y = x / (body["zoom"] * body["width"]), y / body["zoom"]
    for rng, amplitude, scale in ((person, 0.018, 0.5), (person, 0.008, 0.16), (here, 0.006, 0.25)):
        dx, dy = fields.wobble(rng, *canvas.axes, amplitude, scale, modes=8)
        x, y = x + dx, y + dy
    return x, y
