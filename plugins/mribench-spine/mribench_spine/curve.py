"""The curve of the spine, and coordinates that follow it. Lengths in mm, angles in degrees.

``level`` counts vertebral bodies downward from L5 = 0 (L4 = -1, T12 = -5, S1 = 1); half-integers are discs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray
DISCS = range(-9, 1)  # T8/T9 ... L5/S1


class Spine(NamedTuple):
    """What makes one back itself; every slice of the subject shares these values."""

    fov: float  # field of view
    pitch: float  # height of L3 and its disc
    depth: float  # half the front-to-back depth of L3
    at: tuple[float, float]  # where the middle of L3 lies, from the centre of the image
    lean: float  # of the whole spine, as the patient lies
    slope: float  # of the sacral endplate: the steeper, the more lordosis
    kyphosis: float  # of the thoracic spine, 1 is usual
    discs: tuple[float, ...]  # half heights of the discs in levels, see DISCS
    hydrated: tuple[float, ...]  # half depth of the nucleus over that of the disc, 0: dried out
    bodies: tuple[float, ...]  # depth of each body over what its level would have
    canal: float  # front-to-back width of the dural sac
    conus: float  # level where the cord ends
    spinous: float  # length of the spinous processes
    fat: float  # subcutaneous fat behind L3
    buttock: float  # what is added to it behind the sacrum
    belly: float  # from the front of L3 to the abdominal wall
    infiltration: float  # share of fat in the muscles, about
    tilt: float  # scoliosis: lateral shift per level
    midline: float  # lateral position of the middle slice


def grow(rng: np.random.Generator) -> Spine:
    """An adult back without disease; discs dry out with the age drawn, the lower ones first."""
    scale, age = rng.normal(1, 0.07), rng.uniform(0, 1)
    low = np.array([max(0.0, 1 + (d + 1) * 0.16) for d in DISCS])
    dried = rng.random(len(DISCS)) < age * (0.15 + 0.6 * low)
    heights = (0.085 + 0.045 * low) * rng.normal(1, 0.1, len(DISCS)) * np.where(dried, 0.75, 1)
    hydrated = np.where(dried, 0, np.clip(rng.normal(0.72, 0.06, len(DISCS)) - 0.15 * age, 0.4, 0.8))
    return Spine(
        fov=float(rng.uniform(215, 290)),
        pitch=float(36.5 * scale),
        depth=float(17 * scale * rng.uniform(0.93, 1.07)),
        at=(float(rng.uniform(-16, 20)), float(rng.normal(-12, 12))),
        lean=float(rng.normal(0, 3)),
        slope=float(np.clip(rng.normal(40, 8), 22, 58)),
        kyphosis=float(rng.normal(1, 0.3)),
        discs=tuple(heights.tolist()),
        hydrated=tuple(hydrated.tolist()),
        bodies=tuple(rng.normal(1, 0.035, len(DISCS)).tolist()),
        canal=float(rng.uniform(12, 17)),
        conus=float(rng.normal(-4.2, 0.5)),
        spinous=float(scale * rng.uniform(25, 33)),
        fat=float(np.clip(rng.gamma(4, 5), 5, 50)),
        buttock=float(rng.uniform(2, 16)),
        belly=float(rng.uniform(70, 130)),
        infiltration=float(np.clip(0.05 + 0.25 * age + rng.normal(0, 0.06), 0.02, 0.4)),
        tilt=float(rng.normal(0, 0.7)),
        midline=float(rng.normal(0, 1.2)),
    )


class Curve(NamedTuple):
    """The line through the middles of the bodies, an entry per 0.25 mm, from T5 to the coccyx; float32."""

    x: Array
    y: Array
    angle: Array  # radians from straight down, positive backward
    level: Array
    depth: Array  # half depth of body or disc


def follow(spine: Spine) -> Curve:
    """Integrate the angles of the spine downward from T5."""
    step, s, k = 0.25, spine.slope, spine.slope / 40
    at = [-12, -9, -7, -5, -4, -3, -2, -1, 0, 0.55, 1, 2, 3, 4, 5]
    lordosis = [-11 * k, -11 * k, -8 * k, -3 * k, 0.12 * s, 0.45 * s, 0.85 * s]
    thorax = [12 * spine.kyphosis, 2 * spine.kyphosis, -6 * spine.kyphosis]
    angles = [*thorax, *lordosis, s + 5, s + 11, s - 2, s - 28, s - 55]
    # thoracic and sacral vertebrae are shorter than lumbar ones
    grid = np.arange(-12, 5, 0.001)
    length = spine.pitch * np.interp(grid, [-12, -6, -3, 0.3, 0.8, 5], [0.72, 0.86, 1, 1, 0.78, 0.52])
    run = np.concatenate([[0], np.cumsum(length[:-1]) * 0.001])
    level = np.interp(np.arange(0, run[-1], step), run, grid).astype(np.float32)
    half = round(5 / step)  # a moving average over 10 mm: no kinks between the given angles
    bend = np.radians(np.interp(level, at, angles) + spine.lean)
    total = np.concatenate([np.zeros(half), np.cumsum(np.pad(bend, (1, 0)))])
    total = np.pad(total, (0, half), mode="edge")
    angle = (total[2 * half : -1] - total[: -2 * half - 1]) / (2 * half)
    x, y = np.cumsum(np.sin(angle)) * step, np.cumsum(np.cos(angle)) * step
    third = int(np.searchsorted(level, -2))
    stations = [-12, -5, -2, 0.6, 1, 1.5, 2.5, 4, 5]
    taper = np.interp(level, stations, [0.72, 0.88, 1, 1.02, 0.9, 0.7, 0.45, 0.25, 0.1])
    columns = x - x[third] + spine.at[0], y - y[third] + spine.at[1], angle, level, spine.depth * taper
    return Curve(*(np.asarray(c, dtype=np.float32) for c in columns))


def along(curve: Curve, x: Array, y: Array) -> tuple[Array, Array]:
    """The nearest place on the curve (index into its tables) and the signed distance to it in mm, per point.

    Newton steps on the foot of the perpendicular; the distance is positive behind the spine.
    """
    last = len(curve.y) - 1
    index = np.interp(y, curve.y, np.arange(last + 1)).astype(np.int32)
    for _ in range(4):
        a = curve.angle[index]
        miss = (x - curve.x[index]) * np.sin(a) + (y - curve.y[index]) * np.cos(a)
        index = np.clip(index + (miss * np.float32(0.8 / 0.25)).astype(np.int32), 0, last)
    a = curve.angle[index]
    return index, (x - curve.x[index]) * np.cos(a) - (y - curve.y[index]) * np.sin(a)
