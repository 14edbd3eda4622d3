"""Axial T1-weighted brain slices, skull-stripped: tissue table, sequence, drawing."""

from __future__ import annotations

from functools import partial

import numpy as np

from mribench.phantom import (
    Canvas,
    InversionRecovery,
    PhantomSlice,
    Scan,
    ScanFields,
    SpinEcho,
    Tissue,
    describe,
    fields,
    shapes,
    slice_rng,
    station,
    subject_rng,
)
from mribench_brain import anatomy, base, lesions
from mribench_brain.cortex import sulci

Array = np.ndarray

# 3 T. At TE 4 ms T2 hardly matters; where a row names no source for it, it is assumed. Proton densities are
# rounded water contents, Tofts (ed.), Quantitative MRI of the Brain (2003), ch. 4.
WANSAPURA = "Wansapura et al., JMRI 9:531 (1999)"
GELMAN = "T1 Gelman et al., MRM 45:71 (2001)"
WRIGHT = "T1 Wright et al., MAGMA 21:121 (2008), MPRAGE"
TISSUES = {
    "white matter": Tissue(832, 79, 0.70, WANSAPURA, texture=0.03),
    "grey matter": Tissue(1331, 110, 0.82, WANSAPURA, texture=0.04),
    "CSF": Tissue(4300, 2000, 1.0, "T1 Rooney et al., MRM 57:308 (2007)"),
    "thalamus": Tissue(1218, 80, 0.78, GELMAN, texture=0.03),
    "putamen": Tissue(1332, 75, 0.82, WRIGHT, texture=0.03),
    "caudate": Tissue(1395, 85, 0.82, WRIGHT, texture=0.03),
    "pallidum": Tissue(1043, 39, 0.74, f"{GELMAN}; T2 Gelman et al., Radiology 210:759 (1999)", texture=0.03),
    "brainstem": Tissue(960, 80, 0.73, "assumed, between the white and deep grey rows", texture=0.04),
}


# of the same anatomy: typical clinical settings at 3 T
CONTRASTS = (
    ("t2w", SpinEcho(tr=4500, te=95)),
    ("flair", InversionRecovery(tr=9000, te=100, ti=2600)),
    ("pdw", SpinEcho(tr=4500, te=14)),
)
STRUCTURES = (
    ("white matter", ("white matter",)),
    ("grey matter", ("grey matter",)),
    ("CSF", ("CSF",)),
    ("deep nuclei", ("thalamus", "putamen", "caudate", "pallidum")),
    ("brainstem", ("brainstem",)),
)


def draw(seed: int, subject: int, slice: int, size: int = 64) -> PhantomSlice:
    """One axial T1-weighted slice of one subject's brain; background exactly 0, as after skull stripping.

    seed, subject, slice: integers >= 0; five slices walk from midbrain to vertex. size: pixels a side.
    """
    return scan(seed, subject, slice, size).image()


def scan(seed: int, subject: int, slice: int, size: int) -> Scan:
    """The painted slice in the scanner."""
    person, position = subject_rng(seed, subject), slice_rng(seed, subject, slice)
    h = anatomy.head(person)
    sequence = InversionRecovery(tr=2000, te=4, ti=float(person.integers(930, 1060)))
    snr = float(person.uniform(35, 80))
    # between midbrain (0) and vertex (1)
    z = float(np.clip((station(slice) + 0.3) / 5 + h["top"] + position.normal(0, 0.025), 0, 1))

    canvas = Canvas(size)
    x = canvas.x + 0.022 * fields.waves(person, *canvas.axes, 2.0, z=z)
    y = canvas.y + 0.022 * fields.waves(person, *canvas.axes, 2.0, z=z)
    u, v = shapes.rotate(x, y, h["cx"], h["cy"], h["degrees"])
    u, v = u / h["length"], v / h["length"]
    paint(canvas, person, u, v, z, h)
    return Scan(
        canvas,
        {**TISSUES, **lesions.TISSUES},
        sequence,
        (seed, subject, slice),
        person,
        position,
        {"sequence": describe(sequence), "head": h, "level": z},
        snr,
        inside=canvas.average((canvas.labels > 0).astype(np.float32)) > 0.5,
        paint_lesion=partial(lesions.paint, u=u, v=v, z=z),
    )


def paint(
    canvas: Canvas, rng: np.random.Generator, u: Array, v: Array, z: float, h: dict[str, float]
) -> None:
    """Paint one level of the brain; u, v: float32 (n, n) head coordinates."""
    a = np.abs(u)
    hull = anatomy.hull(a, v, z, h)
    gap = h["sulcus_width"]
    smooth = np.minimum(-hull, anatomy.fissure(a, v, z, 0.3 * gap + 0.008))
    step = 2 / len(u) / h["length"]
    folds = sulci(rng, u, v, z, smooth, step, h["sulcus_spacing"], gap)
    depth = np.minimum(np.minimum(smooth, folds), anatomy.sylvian(a, v, z, gap))

    # skull stripping takes the fluid that lies open at the surface
    canvas.paint("CSF", hull + 0.045)
    canvas.paint("grey matter", -depth)
    thickness = h["cortex"] * (1 + 0.25 * fields.waves(rng, u, v, 0.2, z=z))
    canvas.paint("white matter", thickness - depth)
    for name, nucleus in anatomy.deep_nuclei(a, v, z).items():
        canvas.paint(name, nucleus)
    canvas.paint("CSF", anatomy.ventricles(a, v, z, h["ventricles"]))
    base.paint(canvas, rng, u, v, z, hull)


FIELDS = ScanFields(scan, STRUCTURES, CONTRASTS)
