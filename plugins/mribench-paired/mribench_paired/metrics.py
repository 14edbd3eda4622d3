"""What the core lacks of the panel that papers on translation report: NMAE, and numbers of the mean of samples."""

from dataclasses import replace

import numpy as np

from mribench.metrics.images import foreground, unit
from mribench.metrics.structure import SSIM
from mribench.spec import Metric

GREY_LEVEL = 1 / 255


def nmae(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Sum of absolute errors over the sum of the reference y, float64 (N,), of x and y (N, H, W) in [0, 1].

    The reference counts at least one grey level per pixel, so a black one gives a finite number.
    """
    return _over(np.ones(y.shape, bool), x, y)


def nmae_fg(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``nmae`` with both sums over the foreground of the reference."""
    return _over(foreground(y), x, y)


def _over(mask: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    error, size = np.abs(unit(x) - unit(y)) * mask, unit(y) * mask
    return error.sum((1, 2)) / np.maximum(size.sum((1, 2)), GREY_LEVEL * mask.sum((1, 2)))


NMAE = Metric(
    name="nmae",
    title="Normalised mean absolute error",
    unit="",
    direction="down",
    range=(0.0, float("inf")),
    kind="paired",
    compute=nmae,
    version=1,
    paper="as NMSE of Zbontar et al. 2018, arXiv 1811.08839, with absolute errors",
)
NMAE_FG = replace(
    NMAE,
    name="nmae_fg",
    title="Normalised mean absolute error, foreground",
    compute=nmae_fg,
    headline=False,
)
NMAE_MEAN = replace(
    NMAE, name="nmae_mean", title="Normalised mean absolute error of the mean of samples", headline=False
)
SSIM_MEAN = replace(
    SSIM, name="ssim_mean", title="Structural similarity of the mean of samples", headline=False
)
