"""The kidney phantom: a coronal fat-saturated T2w slice, from tissue values to a PhantomSlice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from mribench.phantom import (
    Canvas,
    PhantomSlice,
    Scan,
    ScanFields,
    SpinEcho,
    Tissue,
    describe,
    slice_rng,
    subject_rng,
)
from mribench_kidney import lesions
from mribench_kidney.anatomy import draw_subject, paint_slice

# 3 T. Proton densities relative to free water, after tissue water content, rounded, unless a row says more.
DEBAZELAIRE = "de Bazelaire, Radiology 230:652 (2004), 3 T"
STANISZ = "Stanisz, MRM 54:507 (2005), 3 T"
TISSUES = {
    "fat": Tissue(382, 68, 0.90, f"{DEBAZELAIRE}: subcutaneous fat", texture=0.25),
    "unsaturated fat": Tissue(382, 68, 0.90, "as fat, where the field is too uneven", texture=0.15),
    "muscle": Tissue(898, 29, 0.80, f"{DEBAZELAIRE}: paravertebral muscle", texture=0.13),
    "marrow": Tissue(586, 49, 0.45, f"{DEBAZELAIRE}: L4 marrow; PD of its water, assumed", texture=0.15),
    "disc": Tissue(1200, 95, 0.80, "T2 Marinelli, AJNR 31:1278 (2010), rounded; T1 assumed", texture=0.10),
    "bone": Tissue(200, 0.5, 0.20, "cortical bone, Reichert, MRI 23:611 (2005), order of magnitude"),
    "csf": Tissue(4000, 2000, 1.00, "order of magnitude of cerebrospinal fluid", texture=0.05),
    "cortex": Tissue(1142, 76, 0.83, f"{DEBAZELAIRE}: renal cortex", texture=0.07),
    "medulla": Tissue(1545, 81, 0.90, f"{DEBAZELAIRE}: renal medulla", texture=0.07),
    "urine": Tissue(3500, 1000, 1.00, "close to free water, assumed"),
    "fluid": Tissue(3000, 800, 1.00, "gut contents and bile, close to free water, assumed", texture=0.1),
    "stomach": Tissue(1000, 60, 0.80, "wall and contents mixed, assumed", texture=0.12),
    "liver": Tissue(809, 34, 0.80, f"{DEBAZELAIRE}: liver", texture=0.08),
    "spleen": Tissue(1328, 61, 0.85, f"{DEBAZELAIRE}: spleen", texture=0.06),
    "lung": Tissue(1200, 20, 0.15, "T2 short by susceptibility, assumed", texture=0.4),
    "blood": Tissue(1932, 275, 0.18, f"{STANISZ}: blood; PD lowered for its flow void", texture=0.7),
    "slow blood": Tissue(1932, 275, 0.42, f"{STANISZ}: blood; PD lowered for some outflow", texture=0.2),
    "bowel": Tissue(1000, 75, 0.75, "wall and contents mixed, assumed", texture=0.45),
    "bowel gas": Tissue(1, 1, 0.0, "no protons"),
}  # fmt: skip
# single shot: each slice is excited once, so TR is the seconds between visits; TE is the effective one
SEQUENCE = SpinEcho(tr=5000, te=48)


# of the same anatomy: fat-saturated T1 and proton density weighting
CONTRASTS = (("t1w", SpinEcho(tr=600, te=8)), ("pdw", SpinEcho(tr=3000, te=10)))
STRUCTURES = (
    ("cortex", ("cortex",)),
    ("medulla", ("medulla",)),
    ("urine", ("urine",)),
    ("liver", ("liver",)),
    ("spleen", ("spleen",)),
)


def draw(seed: int, subject: int, slice: int, size: int = 64) -> PhantomSlice:
    """Draw one coronal slice of one subject's abdomen; pure in its arguments.

    seed, subject: the anatomy and the scanner; slice >= 0: 0 is posterior, 4 anterior, later ones between.
    """
    return scan(seed, subject, slice, size).image()


def scan(seed: int, subject: int, slice: int, size: int) -> Scan:
    """The painted slice in the scanner."""
    person, here = subject_rng(seed, subject), slice_rng(seed, subject, slice)
    body = draw_subject(person)
    canvas = Canvas(size)
    drawn, at = paint_slice(canvas, body, slice, here)
    saturated = replace(TISSUES["fat"], pd=TISSUES["fat"].pd * body["fat_residual"])
    return Scan(
        canvas,
        {**TISSUES, "fat": saturated, **lesions.TISSUES},
        SEQUENCE,
        (seed, subject, slice),
        person,
        here,
        {"sequence": describe(SEQUENCE), "anatomy": body, "slice": drawn},
        body["snr"],
        coil=0.25,
        bias=0.12,
        grain=0.08,
        modes=24,
        sensitivity=sensitivity(size, body),
        paint_lesion=partial(lesions.paint, at=at, body=body, z=drawn["z"]),
    )


def sensitivity(size: int, body: dict) -> np.ndarray:
    """Sensitivity (size, size) of a body array: highest in a band across, lower toward head and feet."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    down = (axis[:, None] - body["coil_y"]) / body["coil_reach"]
    return np.exp(-(down**2) / 2) * (1 + body["coil_rim"] * axis**4)


FIELDS = ScanFields(scan, STRUCTURES, CONTRASTS)
