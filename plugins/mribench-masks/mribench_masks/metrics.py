"""Scores of label maps. As pairs of masks here; ``delineation`` takes them over structures, draws and subjects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from mribench_downstream import metrics

from mribench_masks import energy


def ged(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``energy.ged`` of single answers x to truths y, float64 (N,); both (N, H, W) in [0, 1]."""
    return energy.ged(energy.distances(x[:, None], y))


def overconfidence(answers: np.ndarray, truth: np.ndarray, residuals: np.ndarray | None = None) -> np.ndarray:
    """``energy.overconfidence`` of masks (N, K, H, W) and (N, H, W) in [0, 1], float64 (N,)."""
    return energy.overconfidence(energy.distances(answers, truth))


DICE = replace(metrics.DICE, name="delineation_dice", title="Dice of the majority of draws")
DICE_DRAW = replace(DICE, name="delineation_dice_draw", title="Dice of one draw")
HD95 = replace(
    metrics.HD95,
    name="delineation_hd95",
    title="95 % Hausdorff distance of the majority of draws",
    unit="px",
)
GED = replace(
    DICE,
    name="delineation_ged",
    title="Squared generalised energy distance",
    direction="down",
    range=(0.0, 2.0),
    compute=ged,
    paper="Kohl et al. 2018, arXiv 1806.05034",
)
OVERCONFIDENCE = replace(
    DICE,
    name="delineation_overconfidence",
    title="Distance to the truth less distance between draws",
    direction="zero",
    range=(-1.0, 1.0),
    kind="posterior",
    compute=overconfidence,
    paper="as the spread of an ensemble and its error: Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1",
)
