"""The torso around the spine in a sagittal slice: back muscles and fat behind, abdomen in front. In mm."""

from __future__ import annotations

import numpy as np

from mribench.phantom import Canvas, fields
from mribench_spine.curve import Curve, Spine

Array = np.ndarray


def paint_back(canvas: Canvas, spine: Spine, x: Array, y: Array, curve: Curve, fibres: Array) -> Array:
    """Skin, subcutaneous fat, back muscles with fat streaks; returns what lies within the fascia (bool)."""
    spread = 0.38 * (np.interp(y[:, 0], curve.y, curve.x) - spine.at[0])
    fascia = (spine.at[0] + spine.depth + spine.canal + spine.spinous + 6 + spread)[:, None]
    down = np.clip((y - spine.at[1]) / 90, -0.3, 1.2)
    skin = fascia + spine.fat + spine.buttock * down * np.abs(down)
    canvas.paint("skin", x < skin + 2)
    canvas.paint("fat", x < skin)
    canvas.paint("muscle", x < fascia)
    canvas.paint("fat", (x < fascia) & (fibres > 2.2 - 4 * spine.infiltration))
    canvas.paint("ligament", np.abs(x - fascia) < 0.9)
    return x < fascia - 1


def paint_abdomen(
    canvas: Canvas, spine: Spine, rng: np.random.Generator, x: Array, y: Array, front: Array, level: Array,
    position: float,
) -> None:  # fmt: skip
    """Fat, bowel and great vessels before the spine, the abdominal wall further in front.

    front: mm from the front of the vertebral bodies, negative before them; position: mm beside the midline.
    """
    blobs = fields.smooth_field(rng, canvas.axes[0], canvas.axes[1] * 0.7, 0.16, 14, position / 40)
    wall = x + spine.belly + spine.depth - spine.at[0] - 8 * np.cos(y / 70)
    cavity = front < 0
    canvas.paint("fat", cavity)
    canvas.paint("viscera", cavity & (front < -6) & (blobs > -0.55))
    canvas.paint("gas", cavity & (front < -22) & (blobs > 1.5))
    vessel = np.abs(front + 13 + 1.5 * blobs) - 7.5 * np.sqrt(max(0.0, 1 - ((abs(position) - 12) / 12) ** 2))
    vessel += 9 * np.clip(level + 1.6, 0, 2)  # the aorta ends by forking before L4
    canvas.paint("flowing blood", cavity & (vessel < 0))
    canvas.paint("muscle", cavity & (wall < 12))
    canvas.paint("fat", cavity & (wall < 0))
    canvas.paint("skin", cavity & (wall < -16))
    canvas.paint("air", cavity & (wall < -18))
