"""The lung phantom: a coronal balanced SSFP scout of the thorax, from tissue values to a PhantomSlice."""

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
    slice_rng,
    subject_rng,
)
from mribench_lung import lesions
from mribench_lung.anatomy import draw_subject, paint_slice

# 1.5 T. Proton densities relative to free water, after tissue water content, rounded, unless a row says more.
DEBAZELAIRE = "de Bazelaire, Radiology 230:652 (2004), 1.5 T"
STANISZ = "Stanisz, MRM 54:507 (2005), 1.5 T"
TISSUES = {
    "fat": Tissue(343, 58, 0.90, f"{DEBAZELAIRE}: subcutaneous fat", texture=0.18),
    "muscle": Tissue(856, 27, 0.80, f"{DEBAZELAIRE}: paravertebral muscle", texture=0.30),
    "marrow": Tissue(549, 49, 0.60, f"{DEBAZELAIRE}: L4 marrow", texture=0.15),
    "disc": Tissue(1000, 80, 0.80, "T2 Marinelli, AJNR 31:1278 (2010), grades II to IV; T1 assumed"),
    "lung": Tissue(1270, 40, 0.25, "PD Theilmann, JMRI 30:527 (2009), expired; T1, T2 assumed", texture=0.4),
    "blood": Tissue(1441, 290, 0.85, f"{STANISZ}: blood", texture=0.12),
    "myocardium": Tissue(1030, 40, 0.80, f"{STANISZ}: heart", texture=0.06),
    "liver": Tissue(586, 46, 0.75, f"{DEBAZELAIRE}: liver", texture=0.08),
    "spleen": Tissue(1057, 79, 0.80, f"{DEBAZELAIRE}: spleen", texture=0.06),
    "kidney": Tissue(966, 87, 0.82, f"{DEBAZELAIRE}: renal cortex", texture=0.10),
    "fluid": Tissue(3000, 1200, 1.0, "gastric and spinal fluid, assumed close to free water", texture=0.06),
    "bowel": Tissue(900, 90, 0.75, "wall and contents mixed, assumed", texture=0.35),
}  # fmt: skip
# at 1.5 T, TE = TR / 2, fat has the opposite phase for TR from 2.3 to 6.8 ms: Hargreaves, MRM 50:210 (2003)
SEQUENCE = BalancedSSFP(tr=3.2, te=1.6, flip=55)


# of the same anatomy
CONTRASTS = (("t2w", SpinEcho(tr=2500, te=80)), ("pdw", SpoiledGRE(tr=30, te=1.2, flip=5)))
STRUCTURES = (
    ("lung", ("lung",)),
    ("blood", ("blood",)),
    ("myocardium", ("myocardium",)),
    ("liver", ("liver",)),
)


def draw(seed: int, subject: int, slice: int, size: int = 64) -> PhantomSlice:
    """Draw one coronal slice of one subject's thorax; pure in its arguments.

    seed, subject: the anatomy and the scanner; slice >= 0: 0 is posterior, 4 anterior, later ones between.
    """
    return scan(seed, subject, slice, size).image()


def scan(seed: int, subject: int, slice: int, size: int) -> Scan:
    """The painted slice in the scanner."""
    person, here = subject_rng(seed, subject), slice_rng(seed, subject, slice)
    body = draw_subject(person)
    canvas = Canvas(size)
    drawn, at = paint_slice(canvas, body, slice, here)
    return Scan(
        canvas,
        {**TISSUES, **lesions.TISSUES},
        SEQUENCE,
        (seed, subject, slice),
        person,
        here,
        {"sequence": describe(SEQUENCE), "anatomy": body, "slice": drawn},
        body["snr"],
        coil=0.3,
        bias=0.12,
        grain=0.1,
        modes=24,
        opposed=("fat",),
        sensitivity=sensitivity(size, body),
        paint_lesion=partial(lesions.paint, at=at, body=body, z=drawn["z"]),
    )


def sensitivity(size: int, body: dict) -> np.ndarray:
    """Sensitivity (size, size) of a cardiac array, which dims what lies far from the heart."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    across, down = axis - body["coil_x"], axis[:, None] - body["coil_y"]
    return np.exp(-((across**2 + 1.1 * down**2) / (2 * body["coil_reach"] ** 2)))


FIELDS = ScanFields(scan, STRUCTURES, CONTRASTS)
