"""Frozen features, a feature space for mribench: here means of an 8x8 grid, and the distance in it."""

from dataclasses import replace

import numpy as np
from mribench.metrics.distribution import KD
from mribench.spec import FeatureSpace

CELLS = 8


def extract(images):
    """float64 (N, 64): images float32 (N, H, W) in [0, 1], H and W multiples of 8."""
    n, height, width = images.shape
    cells = images.reshape(n, CELLS, height // CELLS, CELLS, width // CELLS)
    return cells.mean(axis=(2, 4), dtype=np.float64).reshape(n, -1)


def load():
    """Load weights here; raise mribench.errors.Unavailable, with what to do, where they are absent."""
    return extract


def identity():
    """Enters the key of every board: name, version, and the sha256 of weights where there are any."""
    return "frozen-features v1"


FROZEN_FEATURES = FeatureSpace(
    name="frozen-features",
    title="Frozen features",
    dim=CELLS**2,
    kernel="rbf",
    load=load,
    identity=identity,
    paper="where the features come from",
)
# a space is seen on a board through a metric: mribench run --metrics kd-frozen-features
KD_FROZEN_FEATURES = replace(
    KD,
    name="kd-frozen-features",
    title="Kernel distance, Frozen features",
    features=("frozen-features",),
)
