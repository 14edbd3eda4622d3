"""Whether an answer has as much detail as the truth: a mean over possible images has less, noise has more."""

from __future__ import annotations

import numpy as np

from mribench.metrics.paired import GREY_LEVEL, per_chunk
from mribench.spec import Metric

MOST = 10.0


def sharpness(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """log2 of the root mean square gradient of x over that of y, float64 (N,); x and y: (N, H, W) in [0, 1]."""
    return per_chunk(_log_ratio, x, y)


def _log_ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    ours, theirs = (np.maximum(_energy(images), (GREY_LEVEL / 10) ** 2) for images in (x, y))
    return np.clip(0.5 * np.log2(ours / theirs), -MOST, MOST)


def _energy(images: np.ndarray) -> np.ndarray:
    """Mean square of the differences between neighbouring pixels."""
    down, right = np.diff(images, axis=1), np.diff(images, axis=2)
    return np.square(down).mean((1, 2)) + np.square(right).mean((1, 2))


SHARPNESS = Metric(
    name="sharpness",
    title="Gradient against the truth's",
    unit="log2",
    direction="zero",
    range=(-MOST, MOST),
    kind="paired",
    compute=sharpness,
    version=1,
    paper="energy of the gradient: Subbarao & Tyan 1998, doi:10.1109/34.709612",
    headline=False,
)
