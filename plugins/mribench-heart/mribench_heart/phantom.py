"""Short-axis balanced SSFP (cine) heart slices: tissue table, sequence, drawing."""

from __future__ import annotations

from functools import partial

import numpy as np

from mribench.phantom import (
    BalancedSSFP,
    Canvas,
    PhantomSlice,
    Scan,
    ScanFields,
    SpinEcho,
    SpoiledGRE,
    Tissue,
    describe,
    fields,
    slice_rng,
    station,
    subject_rng,
)
from mribench_heart import anatomy, lesions, thorax

# 1.5 T. Proton densities are rounded water contents, Woodard & White, Br J Radiol 59:1209 (1986); fat and
# marrow count the protons of their lipids too.
STANISZ = "Stanisz et al., MRM 54:507 (2005), 1.5 T"
BAZELAIRE = "de Bazelaire et al., Radiology 230:652 (2004), 1.5 T"
LUNG = "T1 Stadler et al., JMRI 21:759 (2005); PD Theilmann et al., JMRI 30:527 (2009), inflated; T2 assumed"
TISSUES = {
    "blood": Tissue(1441, 290, 0.83, STANISZ, texture=0.06),
    "myocardium": Tissue(1030, 40, 0.79, STANISZ, texture=0.08),
    "muscle": Tissue(1008, 44, 0.79, STANISZ, texture=0.08),
    "fat": Tissue(343, 58, 0.90, BAZELAIRE, texture=0.10),
    "liver": Tissue(586, 46, 0.74, BAZELAIRE, texture=0.08),
    "spleen": Tissue(1057, 79, 0.79, BAZELAIRE, texture=0.08),
    "marrow": Tissue(549, 49, 0.80, BAZELAIRE, texture=0.10),
    "lung": Tissue(1199, 40, 0.20, LUNG, texture=0.3),
}


# of the same anatomy
CONTRASTS = (("t1w", SpoiledGRE(tr=4.0, te=1.2, flip=18)), ("pdw", SpinEcho(tr=2400, te=20)))
STRUCTURES = (
    ("blood", ("blood",)),
    ("myocardium", ("myocardium", *lesions.TISSUES)),
    ("liver", ("liver",)),
    ("lung", ("lung",)),
)


def draw(seed: int, subject: int, slice: int, size: int = 64) -> PhantomSlice:
    """One short-axis bSSFP slice of one subject's heart.

    seed, subject, slice: integers >= 0; five slices walk from the base to the apex. size: pixels a side.
    """
    return scan(seed, subject, slice, size).image()


def scan(seed: int, subject: int, slice: int, size: int) -> Scan:
    """The painted slice in the scanner."""
    person, position = subject_rng(seed, subject), slice_rng(seed, subject, slice)
    h = anatomy.heart(person)
    t = thorax.thorax(person, h)
    sequence = BalancedSSFP(tr=3.2, te=1.6, flip=float(person.integers(45, 66)))
    snr, coil = float(person.uniform(22, 50)), float(person.uniform(0.1, 0.8))
    # between base (0) and apex (1)
    z = float(np.clip((station(slice) + 0.3) / 5 + position.normal(0, 0.02), 0, 1))

    canvas = Canvas(size)
    row, column = canvas.axes[0] / h["zoom"], canvas.axes[1] / h["zoom"]
    rough, soft, dx, dy = (
        fields.waves(person, row, column, wavelength, z=z, drift=0.32 * wavelength, spread=0.3)
        for wavelength in (0.17, 0.6, 1.1, 1.1)
    )
    x, y = row + 0.028 * dx, column + 0.028 * dy
    thorax.paint(canvas, person, x, y, z, t)
    anatomy.paint(canvas, x, y, z, h, rough, soft)
    return Scan(
        canvas,
        {**TISSUES, **lesions.TISSUES},
        sequence,
        (seed, subject, slice),
        person,
        position,
        {"sequence": describe(sequence), "heart": h, "thorax": t, "level": z},
        snr,
        coil,
        bias=0.15,
        coil_angle=t["wall_degrees"],
        paint_lesion=partial(lesions.paint, x=x, y=y, z=z, h=h),
    )


FIELDS = ScanFields(scan, STRUCTURES, CONTRASTS)
