"""Frozen metric, a metric for mribench: here the largest error of a pair. Replace the formula by yours."""

import numpy as np
from mribench.spec import Metric


def compute(x, y):
    """float64 (N,) in [0, 1]: max |x - y| of each pair; x (output), y (reference): (N, H, W) in [0, 1]."""
    return np.abs(np.asarray(x, np.float64) - np.asarray(y, np.float64)).max(axis=(1, 2))


FROZEN_METRIC = Metric(
    name="frozen-metric",
    title="Frozen metric",
    unit="",
    direction="down",
    range=(0.0, 1.0),
    kind="paired",
    compute=compute,
    version=1,
    paper="the paper that defines it",
)
