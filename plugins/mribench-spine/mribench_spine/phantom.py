"""Sagittal T2-weighted slices of the lumbar spine, received by a spine coil under the back.

Relaxation times at 1.5 T. A turbo spin echo shows fat brighter than its T2 says, because the train of
refocusing pulses undoes J-coupling (Henkelman et al., JMRI 2:533, 1992); ``t2`` of fat and of fatty marrow is
that apparent T2.
"""

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
    slice_rng,
    station,
    subject_rng,
)
from mribench_spine import lesions
from mribench_spine.anatomy import paint_slice
from mribench_spine.curve import grow

BAZELAIRE = "de Bazelaire et al., Radiology 230:652 (2004), 1.5 T"
STANISZ = "Stanisz et al., MRM 54:507 (2005), 1.5 T"
HENKELMAN = "apparent T2 in an echo train, after Henkelman et al., JMRI 2:533 (1992)"
DISC = "T2 of a healthy disc after Marinelli et al., AJNR 31:1278 (2010), 86 to 132 ms by age; T1 assumed"
SHORT = "too short for these echo times, Robson et al., J Comput Assist Tomogr 27:825 (2003)"

TISSUES = {
    "fat": Tissue(343, 95, 0.95, f"T1 {BAZELAIRE}; {HENKELMAN}", texture=0.04),
    "muscle": Tissue(1008, 44, 0.8, STANISZ, texture=0.12),
    "skin": Tissue(900, 30, 0.7, "Richard et al., J Invest Dermatol 97:120 (1991), rounded"),
    "viscera": Tissue(900, 60, 0.85, f"assumed between muscle and kidney, {BAZELAIRE}", texture=0.15),
    "gas": Tissue(1000, 5, 0.05, "bowel gas mixed with content, assumed"),
    "flowing blood": Tissue(1441, 10, 0.15, f"T1 {STANISZ}; short T2 stands for the flow void"),
    "ligament": Tissue(700, 10, 0.5, SHORT),
    "interspinous ligament": Tissue(700, 45, 0.7, "collagen with fat in it, assumed", texture=0.2),
    "cortical bone": Tissue(700, 1, 0.2, SHORT),
    "marrow": Tissue(549, 78, 0.8, f"T1 {BAZELAIRE}; T2 above its 49 ms: {HENKELMAN}", texture=0.12),
    "CSF": Tissue(4300, 2000, 1.0, "Hopkins et al., MRM 3:303 (1986), rounded"),
    "spinal cord": Tissue(745, 74, 0.75, STANISZ),
    "nerve roots": Tissue(815, 77, 0.75, f"as optic nerve, {STANISZ}", texture=0.1),
    "annulus fibrosus": Tissue(
        800, 45, 0.6, "assumed, close to the 53 ms of degenerate discs in Marinelli", texture=0.1
    ),
    "nucleus pulposus": Tissue(1300, 115, 0.85, DISC, texture=0.1),
}


# of the same anatomy; STIR nulls fat at 1.5 T
CONTRASTS = (("t1w", SpinEcho(tr=550, te=12)), ("stir", InversionRecovery(tr=4500, te=50, ti=165)))
STRUCTURES = (
    ("vertebra", ("marrow", "cortical bone", "metastasis")),
    ("disc", ("annulus fibrosus", "nucleus pulposus", "herniation")),
    ("canal", ("CSF", "nerve roots", "spinal cord")),
    ("muscle", ("muscle",)),
    ("fat", ("fat",)),
)


def draw(seed: int, subject: int, slice: int, size: int = 64) -> PhantomSlice:
    """Sagittal slice ``slice`` of ``subject``: five, 5.5 mm apart, cross the spinal canal.

    Returns image float32 (size, size) in [0, 1], front of the body left, head up; labels uint8 index into
    ``params["tissues"]``. A pure function of its arguments.
    """
    return scan(seed, subject, slice, size).image()


def scan(seed: int, subject: int, slice: int, size: int) -> Scan:
    """The painted slice in the scanner."""
    who, here = subject_rng(seed, subject), slice_rng(seed, subject, slice)
    spine = grow(who)
    sequence = SpinEcho(tr=float(who.uniform(2800, 4200)), te=float(who.uniform(85, 115)))
    snr, coil = float(who.uniform(55, 120)), float(who.uniform(0.4, 1.6))
    band, passes = float(who.uniform(6, 20)), float(who.choice([0.15, 0.35, 1.0], p=[0.4, 0.3, 0.3]))
    position = 5.5 * (station(slice) - 2) + float(here.normal(0, 0.5))
    canvas = Canvas(size)
    canvas.tissues = ["air", *TISSUES]
    at = paint_slice(canvas, spine, who, position)
    front = -(at.behind + at.depth)
    # anterior saturation band: bowel and aorta are silenced so that they cannot ghost over the spine
    saturated = 1 - (1 - passes) * canvas.average(0.5 + 0.5 * np.tanh((front - band - 8) / 6))
    drawn = {"position_mm": position, "spine": spine._asdict()}
    return Scan(
        canvas,
        {**TISSUES, **lesions.TISSUES},
        sequence,
        (seed, subject, slice),
        who,
        here,
        {
            "sequence": describe(sequence),
            **drawn,
            "scanner": {"saturation_from_mm": band, "saturation_passes": passes},
        },
        snr,
        coil,
        bias=0.12,
        coil_angle=0.0,
        grain=0.07,
        sensitivity=saturated,
        paint_lesion=partial(lesions.paint, at=at, pitch=spine.pitch),
    )


FIELDS = ScanFields(scan, STRUCTURES, CONTRASTS)
