"""Sagittal proton-density-weighted knee slices: tissue table, sequence, drawing."""

from __future__ import annotations

import numpy as np

from mribench.phantom import (
    Canvas,
    PhantomSlice,
    SpinEcho,
    Tissue,
    acquire,
    describe,
    fields,
    shapes,
    slice_rng,
    station,
    subject_rng,
)
from mribench_knee import anatomy

# 3 T. As remembered, not looked up: T1 and T2 of Gold et al.; proton densities and the dark tissues are assumed
GOLD = "Gold et al., AJR 183:343 (2004), 3 T"
DARK = "assumed: T2 too short for a spin echo"
TISSUES = {
    "fat": Tissue(371, 133, 0.90, GOLD, texture=0.06),
    "marrow": Tissue(365, 133, 0.85, GOLD, texture=0.07),
    "muscle": Tissue(1420, 32, 0.79, GOLD, texture=0.10),
    "cartilage": Tissue(1240, 37, 0.80, GOLD, texture=0.05),
    "fluid": Tissue(3620, 767, 0.97, GOLD),
    "vessel": Tissue(1900, 30, 0.30, "assumed: flow takes most of the signal away"),
    "meniscus": Tissue(1000, 10, 0.60, DARK),
    "ligament": Tissue(1000, 7, 0.60, DARK),
    "cortex": Tissue(250, 1, 0.20, DARK),
}


def draw(seed: int, subject: int, slice: int, size: int = 64) -> PhantomSlice:
    """One sagittal slice of one subject's knee; five slices walk from the medial to the lateral condyle.

    seed, subject, slice: integers >= 0. size: pixels a side.
    """
    person, position = subject_rng(seed, subject), slice_rng(seed, subject, slice)
    h = anatomy.knee(person)
    sequence = SpinEcho(tr=float(person.integers(2200, 3200)), te=float(person.integers(20, 36)))
    snr, coil = float(person.uniform(20, 45)), float(person.uniform(0, 0.5))
    z = float(np.clip((station(slice) + 0.4) / 4.8 + position.normal(0, 0.02), 0, 1))

    canvas = Canvas(size)
    bend = fields.wobble(person, *canvas.axes, amplitude=0.012, scale=0.5, z=z)
    x, y = shapes.rotate(canvas.x, canvas.y, h["cx"], h["cy"], h["turn"])
    x, y = x / h["zoom"] + bend[0], y / h["zoom"] + bend[1]
    anatomy.paint(canvas, x, y, z, h)

    signal = canvas.render(TISSUES, sequence, position)
    image, scanner = acquire(signal, person, position, snr, coil, bias=0.12)
    params = {"tissues": canvas.tissues, "sequence": describe(sequence), "knee": h, "level": z}
    return PhantomSlice(image, canvas.label_map(), {**params, "scanner": scanner})
