"""The same slice at both ends of a heartbeat, filled (end-diastole) and contracted (end-systole), and its motion.

A canvas shows the heart in one phase of contraction. Tissue moves along radii from the left ventricle's centre so that
areas change by one factor in the cavity, by none in its wall, and by one around it; the apex turns against the base.
The map is known in closed form and folds nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from mribench.phantom import Canvas, Scan, ScanFields, field_rng
from mribench.spec import Field
from mribench_heart.anatomy import left_ventricle

Array = np.ndarray

REACH = 1.7  # radius within which tissue moves, over the left ventricle's when filled
EMPTIED = (0.4, 0.65)  # share of the cavity's area that a contraction takes, of a person
TWIST = (4.0, -12.0)  # degrees that base and apex turn by in a contraction
FIELDS = (
    Field("end-diastole", "image"),
    Field("end-systole", "image"),
    Field("end-diastole-labels", "labels", ("background", "left ventricle", "myocardium")),
    Field("end-systole-labels", "labels", ("background", "left ventricle", "myocardium")),
    Field("motion", "displacement"),
)
STRUCTURES = (("left ventricle", ("cavity",)), ("myocardium", ("myocardium",)))


@dataclass(frozen=True)
class Phase:
    """The left ventricle at one time; lengths in half fields of view."""

    inner: float
    outer: float
    reach: float
    twist: float = 0.0  # radians

    @property
    def midwall(self) -> float:
        """Radius halfway through the wall."""
        return (self.inner + self.outer) / 2

    def emptied(self, share: float, twist: float) -> Phase:
        """After a contraction that takes a share of the cavity's area and keeps that of the wall."""
        outer = np.sqrt(self.outer**2 - share * self.inner**2)
        return replace(self, inner=float(np.sqrt(1 - share)) * self.inner, outer=float(outer), twist=twist)

    def to(self, other: Phase, x: Array, y: Array) -> tuple[Array, Array]:
        """Where the tissue at (x, y), from the centre, lies in another phase."""
        squared = x * x + y * y
        areas = [[0.0, p.inner**2, p.outer**2, p.reach**2] for p in (self, other)]
        scale = np.sqrt(np.interp(squared, *areas) / np.maximum(squared, 1e-12))
        # the wall turns as a whole, the tissue around it the less the farther off
        share = np.interp(squared, areas[0], (1.0, 1.0, 1.0, 0.0))
        angle = (other.twist - self.twist) * share
        scale, cosine, sine = np.where(squared < self.reach**2, scale, 1.0), np.cos(angle), np.sin(angle)
        return scale * (cosine * x - sine * y), scale * (sine * x + cosine * y)


class MovedCanvas(Canvas):
    """What a canvas shows after its tissue, texture and all, has moved.

    canvas: As painted. rows, columns: int (n, n), the sample of the painted canvas that is seen at each sample.
    """

    def __init__(self, canvas: Canvas, rows: Array, columns: Array):
        self.__dict__.update(copy(canvas).__dict__)
        self.labels, self.tissues = canvas.labels[rows, columns], list(canvas.tissues)
        self._still, self._at = copy(canvas), (rows, columns)
        self._still.size, self._still.over = len(canvas.labels), 1

    def render(self, *args, **named) -> Array:
        """As ``Canvas.render``."""
        return self.average(self._still.render(*args, **named)[self._at])


@dataclass(frozen=True)
class Beat:
    """One slice at both ends of a heartbeat."""

    scan: Scan
    centre: tuple[float, float]  # of the left ventricle, as ``Canvas.x`` and ``Canvas.y``
    painted: Phase
    filled: Phase
    contracted: Phase

    def at(self, phase: Phase) -> Scan:
        """The slice in another phase."""
        canvas, (cx, cy) = self.scan.canvas, self.centre
        x, y = phase.to(self.painted, canvas.x - cx, canvas.y - cy)
        n = len(canvas.labels)
        columns, rows = (np.clip(np.floor((at + 1) * n / 2), 0, n - 1).astype(int) for at in (x + cx, y + cy))
        return replace(self.scan, canvas=MovedCanvas(canvas, rows, columns))

    def labels(self, phase: Phase) -> Array:
        """uint8 (size, size), an index into the names of the field."""
        scan = self.at(phase)
        x, y = scan.canvas.x - self.centre[0], scan.canvas.y - self.centre[1]
        # of all blood that of the left ventricle
        scan.canvas.paint("cavity", x * x + y * y - phase.midwall**2, over=("blood",))
        return scan.structures(STRUCTURES)

    def motion(self) -> Array:
        """float32 (2, size, size): from pixels at end-systole to their tissue at end-diastole, down and right."""
        size = self.scan.canvas.size
        axis = (np.arange(size) + 0.5) / size * 2 - 1
        x, y = np.meshgrid(axis - self.centre[0], axis - self.centre[1])
        to_x, to_y = self.contracted.to(self.filled, x, y)
        return np.stack([to_y - y, to_x - x]).astype(np.float32) * (size / 2)


def beat(scan: Scan) -> Beat:
    """What is drawn of a person's heartbeat, alike in all slices."""
    seed, subject, _ = scan.address
    rng = field_rng(seed, subject, "beat")
    h, z = dict(scan.params["heart"]), scan.params["level"]

    def phase(contraction: float) -> Phase:
        _, _, outer, inner = left_ventricle(z, h | {"contraction": contraction})
        return Phase(h["zoom"] * inner, h["zoom"] * outer, reach)

    reach = REACH * h["zoom"] * left_ventricle(z, h | {"contraction": 0.0})[2]
    share, strength = rng.uniform(*EMPTIED), rng.uniform(0.6, 1.4)
    twist = float(np.radians(np.interp(z, (0, 1), TWIST)) * strength)
    filled, painted = phase(0.0), phase(h["contraction"])
    # turned as far as it is emptied
    turned = twist * (1 - (painted.inner / filled.inner) ** 2) / share
    cx, cy, _, _ = left_ventricle(z, h)
    centre = middle(scan.canvas, h["zoom"] * cx, h["zoom"] * cy, painted.midwall)
    return Beat(scan, centre, replace(painted, twist=turned), filled, filled.emptied(share, twist))


def middle(canvas: Canvas, cx: float, cy: float, radius: float) -> tuple[float, float]:
    """Centre of the blood within a radius of (cx, cy): outlines are bent after the anatomy was placed."""
    blood = canvas.labels == canvas.tissues.index("blood")
    for _ in range(4):
        near = blood & (np.hypot(canvas.x - cx, canvas.y - cy) < radius)
        if near.any():
            cx, cy = float(canvas.x[near].mean()), float(canvas.y[near].mean())
    return cx, cy


@dataclass(frozen=True)
class HeartFields:
    """The fields of every organ and those of the beat; what ``Modality.draw_fields`` takes."""

    still: ScanFields

    @property
    def fields(self) -> tuple[Field, ...]:
        """For ``Modality.fields``."""
        return (*self.still.fields, *FIELDS)

    def __call__(
        self, seed: int, subject: int, slice: int, size: int, names: Collection[str], /
    ) -> Mapping[str, Array]:
        """As ``mribench.spec.DrawFields``."""
        own = {field.name for field in FIELDS}
        found = dict(self.still(seed, subject, slice, size, [name for name in names if name not in own]))
        if not own & set(names):
            return found
        both = beat(self.still.scan(seed, subject, slice, size))
        draw = {
            "end-diastole": lambda: _image(both.at(both.filled), "end-diastole"),
            "end-systole": lambda: _image(both.at(both.contracted), "end-systole"),
            "end-diastole-labels": lambda: both.labels(both.filled),
            "end-systole-labels": lambda: both.labels(both.contracted),
            "motion": both.motion,
        }
        return found | {name: draw[name]() for name in names if name in own}


def _image(scan: Scan, name: str) -> Array:
    """With noise of its own."""
    return scan.contrast(name, scan.sequence)
