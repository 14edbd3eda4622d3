"""Structural similarity at one scale and at three; shapes, ranges and errors as in ``paired``."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mribench.errors import InputError, Unavailable
from mribench.metrics.images import foreground
from mribench.metrics.paired import in_foreground, masked_mean, per_chunk
from mribench.spec import Metric

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03
C1, C2 = K1**2, K2**2
# of the five scales of Wang et al. 2003 the first three, renormalised: a fourth needs sides of 88 pixels
BETAS = np.array([0.0448, 0.2856, 0.3001]) / (0.0448 + 0.2856 + 0.3001)
SMALLEST = WINDOW * 2 ** (len(BETAS) - 1)


def ssim(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Structural similarity of each pair, in [-1, 1]: Wang, Bovik, Sheikh & Simoncelli 2004, eq. 13.

    11x11 Gaussian window of sigma 1.5, population covariance, mean over the valid region, K = (0.01, 0.03),
    data range 1. ``InputError`` as well where a side is shorter than 11 pixels.
    """
    _check_window(x)
    return per_chunk(lambda a, b: np.prod(_maps(a, b), axis=0).mean((1, 2)), x, y)


def ssim_fg(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``ssim`` over windows whose centre is foreground of the reference; over all where there is none."""
    _check_window(x)
    return per_chunk(lambda a, b: masked_mean(np.prod(_maps(a, b), axis=0), _centres(b)), x, y)


def ms_ssim3(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Multi-scale SSIM over three scales of each pair, in [0, 1]: Wang, Simoncelli & Bovik 2003, eq. 7.

    cs_1^b1 cs_2^b2 ssim_3^b3 with b = (.0448, .2856, .3001) / sum, each scale half the one before (mean of 2x2);
    a negative mean counts as 0. Not the usual five scales, hence the name. ``Unavailable`` below 44 pixels a side.
    """
    _check_scales(x)
    return per_chunk(lambda a, b: _multi_scale(a, b, inside=False), x, y)


def ms_ssim3_fg(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``ms_ssim3`` with each scale's mean over windows whose centre is foreground of the reference there."""
    _check_scales(x)
    return per_chunk(lambda a, b: _multi_scale(a, b, inside=True), x, y)


def _multi_scale(x: np.ndarray, y: np.ndarray, inside: bool) -> np.ndarray:
    product = np.ones(len(x))
    for scale, beta in enumerate(BETAS):
        luminance, structure = _maps(x, y)
        map_ = luminance * structure if scale == len(BETAS) - 1 else structure
        mean = masked_mean(map_, _centres(y)) if inside else map_.mean((1, 2))
        product *= np.maximum(mean, 0) ** beta
        x, y = _halve(x), _halve(y)
    return product


def _halve(images: np.ndarray) -> np.ndarray:
    """Mean of each 2x2; the last line of an odd side is dropped."""
    height, width = (side // 2 * 2 for side in images.shape[1:])
    even = images[:, :height, :width]
    return (even[:, ::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, ::2] + even[:, 1::2, 1::2]) / 4


def _centres(reference: np.ndarray) -> np.ndarray:
    """bool (N, H - 10, W - 10): windows whose central pixel is foreground; all where that lies at the border alone."""
    edge = WINDOW // 2
    inner = foreground(reference)[:, edge:-edge, edge:-edge]
    return inner | ~inner.any((1, 2), keepdims=True)


def _maps(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Luminance, and contrast times structure, over the valid region: (N, H - 10, W - 10) each."""
    mu_x, mu_y, xy = _blur(x), _blur(y), _blur(x * y)
    # only the sum of the two variances occurs in SSIM, so four filtered maps suffice
    squares = _blur(x * x + y * y)
    mu_xy, mu_squares = mu_x * mu_y, mu_x * mu_x + mu_y * mu_y
    luminance = (2 * mu_xy + C1) / (mu_squares + C1)
    structure = (2 * (xy - mu_xy) + C2) / (squares - mu_squares + C2)
    return luminance, structure


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


def _check_window(x: np.ndarray) -> None:
    if x.ndim == 3 and min(x.shape[1:]) < WINDOW:
        raise InputError(
            f"images are {x.shape[1]}x{x.shape[2]} but the SSIM window is {WINDOW}x{WINDOW} pixels: "
            "use a larger size or leave ssim out."
        )


def _check_scales(x: np.ndarray) -> None:
    if x.ndim == 3 and min(x.shape[1:]) < SMALLEST:
        raise Unavailable(
            f"three scales of SSIM need sides of {SMALLEST} pixels or more, the images are "
            f"{x.shape[1]}x{x.shape[2]}"
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
MS_SSIM3 = Metric(
    name="ms_ssim3",
    title="Multi-scale SSIM, three scales",
    unit="",
    direction="up",
    range=(0.0, 1.0),
    kind="paired",
    compute=ms_ssim3,
    version=1,
    paper="Wang et al. 2003, doi:10.1109/ACSSC.2003.1292216",
    headline=False,
)
SSIM_FG = in_foreground(SSIM, ssim_fg)
MS_SSIM3_FG = in_foreground(MS_SSIM3, ms_ssim3_fg)
