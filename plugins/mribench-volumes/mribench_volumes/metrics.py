"""Scores of displacements. As pairs of answers here; ``registration`` takes them pixels that move and subjects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mribench_downstream.dice import dice

from mribench.metrics.paired import PSNR as OF_IMAGES
from mribench.spec import Metric
from mribench_volumes import motion, stacks


def error(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``motion.error`` of answers x and y, (N, 2 H, W) in [0, 1], over all pixels."""
    return motion.error(motion.displacement_of(x), motion.displacement_of(y))


def folding(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``motion.folded`` of the displacement that answers x, (N, 2 H, W) in [0, 1], have beyond y."""
    return motion.folded(motion.displacement_of(x) - motion.displacement_of(y))


def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``stacks.apart`` of answers x and y, (N, 2 H, W) in [0, 1]."""
    return stacks.apart(stacks.neighbours_of(x), stacks.neighbours_of(y))


ERROR = Metric(
    name="registration_error",
    title="End-point error",
    unit="px",
    direction="down",
    range=(0.0, float("inf")),
    kind="paired",
    compute=error,
    version=1,
    paper="Otte & Nagel 1994, doi:10.1007/3-540-57956-7_5; Baker et al. 2011, doi:10.1007/s11263-010-0390-2",
)
STILL = replace(ERROR, name="registration_still", title="Motion found in still tissue")
DICE = replace(
    ERROR,
    name="registration_dice",
    title="Dice of warped structures",
    unit="",
    direction="up",
    range=(0.0, 1.0),
    compute=dice,
    paper="Dice 1945, doi:10.2307/1932409",
)
FOLDING = replace(
    ERROR,
    name="registration_folding",
    title="Share of folded pixels",
    unit="",
    range=(0.0, 1.0),
    compute=folding,
    paper="determinant of the Jacobian, as Balakrishnan et al. 2019, arXiv 1809.05231",
)
PSNR = replace(OF_IMAGES, name="registration_psnr", title="PSNR of the warped image")
SCORE = replace(
    ERROR,
    name="neighbours_score",
    title="Energy score of neighbouring slices",
    unit="",
    compute=distance,
    paper="Gneiting & Raftery 2007, doi:10.1198/016214506000001437, section 4.2",
)
GAP = replace(
    SCORE,
    name="neighbours_gap",
    title="Distance through the plane, 0 as in real volumes, 1 as between subjects",
    direction="zero",
    range=(-float("inf"), float("inf")),
    paper="as the distance of adjacent slices: Peng et al. 2022, arXiv 2212.08034",
)
SLICE_PSNR = replace(OF_IMAGES, name="neighbours_psnr", title="PSNR of the mean of drawn neighbours")
