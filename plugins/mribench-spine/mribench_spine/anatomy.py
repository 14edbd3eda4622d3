"""Sagittal slices of the lower back, front on the left: the torso first, then the column over it.

Lengths in mm. ``lateral`` is the distance of the slice from the midline of the vertebra at hand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mribench.phantom import Canvas, fields
from mribench_spine.curve import DISCS, Spine, along, follow
from mribench_spine.torso import paint_abdomen, paint_back

Array = np.ndarray


class Along(NamedTuple):
    """Where the fine samples of a slice lie, in the coordinates of the column: float32 (n, n) each."""

    level: Array
    behind: Array  # mm behind the middle of the bodies
    depth: Array  # half depth of the body at that level, mm
    lateral: Array  # mm from the midline of the vertebra


def paint_slice(canvas: Canvas, spine: Spine, rng: np.random.Generator, position: float) -> Along:
    """Paint the sagittal slice ``position`` mm beside the midline of the body.

    rng: the subject's generator; draws the same whatever ``position`` is.
    """
    half = spine.fov / 2
    z = position / half
    dx, dy = fields.wobble(rng, *canvas.axes, 1.1, 0.22, 5, z)
    x, y = half * canvas.axes[0] + dx, half * canvas.axes[1] + dy
    curve = follow(spine)
    index, behind = along(curve, x, y)
    level, depth = curve.level[index], curve.depth[index]
    lateral = position + spine.midline + spine.tilt * (level + 2)
    fibres = fields.smooth_field(rng, level * 0.6, behind / 30, 0.25, 10, z * 2)
    inner = paint_back(canvas, spine, x, y, curve, fibres)
    paint_abdomen(canvas, spine, rng, x, y, behind + depth, level, position)
    _posterior(canvas, spine, np.where(inner, behind - depth, np.float32(1e3)), level, lateral, fibres)
    _canal(canvas, spine, behind - depth, level, lateral, fibres)
    _column(canvas, spine, behind, depth, level, lateral)
    return Along(level, behind, depth, lateral)


def _posterior(
    canvas: Canvas, spine: Spine, back: Array, level: Array, lateral: Array, fibres: Array
) -> None:
    """Spinous processes and the ligaments between them near the midline; facet joints beside it."""
    near, canal = np.abs(lateral), spine.canal + 3
    nearest = np.floor(level + 0.2)
    drop = level - nearest - 0.42  # processes hang half a level below their body
    half = spine.spinous / 2 * (1 - 0.22 * np.clip(level + 1, 0, 3.2))
    along_it = (back - canal - 1 - half) / half
    slant = drop - 0.1 * along_it
    lumbar = level < 2.8
    midline = lumbar & (near < 5.5) & (back > canal) & (back < canal + 2 * half + 2)
    canvas.paint("interspinous ligament", midline)
    canvas.paint("fat", midline & (fibres > 0.5 - 1.5 * spine.infiltration))
    # far in front of the process its height would cross zero
    height = (0.27 - 0.07 * (level > 1)) * (1 + 0.25 * along_it)
    process = np.square(np.square(slant / np.maximum(height, 1e-6))) + np.square(np.square(along_it))
    spinous = lumbar & (near < 4.5)
    canvas.paint("cortical bone", spinous & (process < 1))
    canvas.paint("marrow", spinous & (process < 0.6))
    # lamina to facet joint, further out
    shell = (back - canal - 6) / 7
    lamina = np.square(np.square((drop - 0.12 * shell) / (0.34 + 0.04 * fibres)) + np.square(shell))
    beside = lumbar & (near >= 4.5)
    canvas.paint("cortical bone", beside & (lamina < 1))
    canvas.paint("marrow", beside & (lamina < 0.4))


def _canal(canvas: Canvas, spine: Spine, back: Array, level: Array, lateral: Array, fibres: Array) -> None:
    """Epidural fat, dural sac with cord or roots; beside it the foramina: fat, a root, pedicles."""
    near = np.abs(lateral)
    inside = (back > 0) & (back < spine.canal + 3)
    canvas.paint("fat", inside & (level < 4))
    taper = np.interp(level, [0.6, 2.6], [1, 0]).astype(np.float32)
    width = spine.canal * taper * np.sqrt(np.clip(1 - (near / 10.5) ** 2, 0, 1))
    middle = 1.5 + spine.canal / 2 - 1.5 * (1 - taper)
    sac = np.abs(back - middle) - width / 2
    canvas.paint("ligament", inside & (sac < 1.2) & (level < 2.5))
    canvas.paint("CSF", inside & (sac < 0))
    cord = 4.2 * np.sqrt(np.clip(1 - (near / 5) ** 2, 0, 1)) * np.clip((spine.conus - level) * 1.2, 0, 1)
    canvas.paint("spinal cord", np.abs(back - middle) < cord)
    roots = (sac < -1) & (level > spine.conus - 0.3) & (back > middle - 0.5 + level * 0.4) & (fibres > 0.1)
    canvas.paint("nerve roots", roots)
    foramen = inside & (near > 9) & (level < 1.3)
    part = level - np.floor(level + 0.5)
    canvas.paint("cortical bone", foramen & (np.abs(part + 0.16) < 0.2))
    canvas.paint("marrow", foramen & (np.abs(part + 0.16) < 0.15))
    root = ((part - 0.2) * spine.pitch / 4) ** 2 + ((back - 7) / 4) ** 2
    canvas.paint("nerve roots", foramen & (part > 0) & (root < 1))


def _column(canvas: Canvas, spine: Spine, behind: Array, depth: Array, level: Array, lateral: Array) -> None:
    """Vertebral bodies, sacrum and discs."""
    number = np.clip(np.floor(level), DISCS[0], DISCS[-1] + 2).astype(np.int32) - DISCS[0]
    thin = np.array([*spine.discs, 0.03, 0.0], dtype=np.float32)[number]
    wet = np.array([*spine.hydrated, 0.0, 0.0], dtype=np.float32)[number]
    from_disc = np.abs(level - np.floor(level) - 0.5)
    round_off = np.sqrt(np.clip(1 - (lateral / 32) ** 2, 0.2, 1))
    bodies = np.array([*spine.bodies, 1, 1, 1, 1, 1], dtype=np.float32)
    own = bodies[np.clip(np.floor(level + 0.5), DISCS[0], DISCS[-1] + 5).astype(np.int32) - DISCS[0]]
    v = behind / (depth * round_off * own)
    waist = 1 - 0.13 * np.clip((from_disc - 0.15) / 0.35, 0, 1)
    rim = 0.9 / depth
    canvas.paint("ligament", (np.abs(v) < np.maximum(waist, from_disc < thin) + 1.3 * rim) & (level < 4.6))
    canvas.paint("annulus fibrosus", (np.abs(v) < 1.03) & (from_disc < thin) & (level < 2))
    nucleus = (from_disc / np.maximum(thin, 1e-3) / 0.8) ** 2 + ((v - 0.05) / np.maximum(wet, 1e-3)) ** 2
    canvas.paint("nucleus pulposus", (nucleus < 1) & (level < 1))
    # endplates are pressed in where the nucleus lies; corners are sharp
    corner = np.square(np.square(np.clip(v / waist, -1.5, 1.5) ** 2))
    end = from_disc - thin - 0.012 * (1 - v**2) - 0.02 * corner
    body = (np.abs(v) < waist) & (level < 4.6)
    canvas.paint("cortical bone", body & (end > 0))
    canvas.paint("marrow", body & (end > 0.02) & (np.abs(v) < waist - rim))
    # where the basivertebral veins leave, fat reaches into the back of the body
    vein = np.square((from_disc - 0.5) / 0.05) + np.square((v - 0.95) / 0.3)
    canvas.paint("fat", (vein < 1) & (np.abs(lateral) < 4) & (level < 0.3))
