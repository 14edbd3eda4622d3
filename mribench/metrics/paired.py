"""Paired fidelity: one number per (output, reference) image pair, in numpy float64.

Every function takes x (output) and y (reference), (N, H, W) in [0, 1], any real dtype, and returns float64
(N,) that is never NaN. ``InputError``: shapes differ, a value is not finite, or a value lies outside [0, 1]
by more than 1e-3 (what lies within that margin is clipped).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from mribench.errors import InputError
from mribench.spec import Metric

PSNR_CAP = 100.0
MARGIN = 1e-3
CHUNK = 32  # the maps of 32 pairs of 64x64 stay in cache; larger chunks are slower
WINDOW, SIGMA = 11, 1.5
C1, C2 = 0.01**2, 0.03**2


def mse(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean squared error of each pair, in [0, 1]."""
    return _per_chunk(lambda a, b: np.square(a - b).mean((1, 2)), x, y)


def mae(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean absolute error of each pair, in [0, 1]."""
    return _per_chunk(lambda a, b: np.abs(a - b).mean((1, 2)), x, y)


def psnr(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each pair in dB, data range 1; 100 dB where the MSE is below 1e-10."""
    return 10 * np.log10(1 / np.maximum(mse(x, y), 10 ** (-PSNR_CAP / 10)))


def ssim(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Structural similarity of each pair, in [-1, 1]: Wang, Bovik, Sheikh & Simoncelli 2004, eq. 13.

    11x11 Gaussian window of sigma 1.5, population covariance, mean over the valid region, K = (0.01, 0.03),
    data range 1. ``InputError`` as well where a side is shorter than 11 pixels.
    """
    if x.ndim == 3 and min(x.shape[1:]) < WINDOW:
        raise InputError(
            f"images are {x.shape[1]}x{x.shape[2]} but the SSIM window is {WINDOW}x{WINDOW} pixels: "
            "use a larger size or leave ssim out."
        )
    return _per_chunk(_ssim, x, y)


def _ssim(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    mu_x, mu_y, xy = _blur(x), _blur(y), _blur(x * y)
    # only the sum of the two variances occurs in SSIM, so four filtered maps suffice
    squares = _blur(x * x + y * y)
    mu_xy, mu_squares = mu_x * mu_y, mu_x * mu_x + mu_y * mu_y
    luminance = (2 * mu_xy + C1) / (mu_squares + C1)
    structure = (2 * (xy - mu_xy) + C2) / (squares - mu_squares + C2)
    return (luminance * structure).mean((1, 2))


def _blur(images: np.ndarray) -> np.ndarray:
    _, height, width = images.shape
    return _window(height) @ images @ _window(width).T


@lru_cache(maxsize=8)
def _window(length: int) -> np.ndarray:
    """The 1-D Gaussian filter over its valid region as a banded matrix (length - 10, length)."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    taps = np.exp(-0.5 * (offsets / SIGMA) ** 2)
    matrix = np.zeros((length - WINDOW + 1, length))
    for row in range(len(matrix)):
        matrix[row, row : row + WINDOW] = taps / taps.sum()
    return matrix


def _per_chunk(measure: Callable[..., np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.ndim != 3 or x.shape != y.shape or 0 in x.shape:
        raise InputError(
            f"outputs have shape {x.shape} and references {y.shape}: give both as one non-empty (N, H, W)."
        )
    starts = range(0, len(x), CHUNK)
    return np.concatenate([measure(_unit(x[i : i + CHUNK]), _unit(y[i : i + CHUNK])) for i in starts])


def _unit(images: np.ndarray) -> np.ndarray:
    images = images.astype(np.float64)
    low, high = images.min(), images.max()
    # written so that NaN fails it too
    if not (low >= -MARGIN and high <= 1 + MARGIN):
        raise InputError(
            f"image values run from {low:.4g} to {high:.4g}, finite values in [0, 1] are expected: "
            "scale the images first."
        )
    return images.clip(0, 1)


PSNR = Metric(
    name="psnr",
    title="Peak signal-to-noise ratio",
    unit="dB",
    direction="up",
    range=(0.0, PSNR_CAP),
    kind="paired",
    compute=psnr,
    version=1,
    paper="Huynh-Thu & Ghanbari 2008, doi:10.1049/el:20080522",
)
SSIM = Metric(
    name="ssim",
    title="Structural similarity",
    unit="",
    direction="up",
    range=(-1.0, 1.0),
    kind="paired",
    compute=ssim,
    version=1,
    paper="Wang et al. 2004, doi:10.1109/TIP.2003.819861",
)
MSE = Metric(
    name="mse",
    title="Mean squared error",
    unit="",
    direction="down",
    range=(0.0, 1.0),
    kind="paired",
    compute=mse,
    version=1,
    paper="Wang & Bovik 2009, doi:10.1109/MSP.2008.930649",
)
MAE = Metric(
    name="mae",
    title="Mean absolute error",
    unit="",
    direction="down",
    range=(0.0, 1.0),
    kind="paired",
    compute=mae,
    version=1,
    paper="Willmott & Matsuura 2005, doi:10.3354/cr030079",
)
