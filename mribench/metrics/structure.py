"""Structural similarity at one scale and at three; shapes, ranges and errors as in ``paired``."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mribench.errors import InputError, Unavailable
from mribench.memo import memoize
from mribench.metrics.images import foreground, unit
from mribench.metrics.paired import CHUNK, in_foreground, masked_mean, per_chunk
from mribench.spec import Metric

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03
C1, C2 = K1**2, K2**2
# of the five scales of Wang et al. 2003 the first three, renormalised: a fourth needs sides of 88 pixels
BETAS = np.array([0.0448, 0.2856, 0.3001]) / (0.0448 + 0.2856 + 0.3001)
BAND = 18  # outputs of the filter at once: fewer zeros are multiplied, and the products are not yet too small
MAX_BYTES = 256 << 20  # of the moments of single images, while their pairs are compared
SMALLEST = WINDOW * 2 ** (len(BETAS) - 1)


def ssim(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Structural similarity of each pair, in [-1, 1]: Wang, Bovik, Sheikh & Simoncelli 2004, eq. 13.

    11x11 Gaussian window of sigma 1.5, population covariance, mean over the valid region, K = (0.01, 0.03),
    data range 1. ``InputError`` as well where a side is shorter than 11 pixels.
    """
    _check_window(x)
    return _measured(x, y)[0].copy()


def ssim_fg(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``ssim`` over windows whose centre is foreground of the reference; over all where there is none."""
    _check_window(x)
    return _measured(x, y)[1].copy()


def ms_ssim3(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Multi-scale SSIM over three scales of each pair, in [0, 1]: Wang, Simoncelli & Bovik 2003, eq. 7.

    cs_1^b1 cs_2^b2 ssim_3^b3 with b = (.0448, .2856, .3001) / sum, each scale half the one before (mean of 2x2);
    a negative mean counts as 0. Not the usual five scales, hence the name. ``Unavailable`` below 44 pixels a side.
    """
    check_scales(x)
    return _measured(x, y)[2].copy()


def ms_ssim3_fg(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``ms_ssim3`` with each scale's mean over windows whose centre is foreground of the reference there."""
    check_scales(x)
    return _measured(x, y)[3].copy()


# all four look at the same maps, one after the other
@memoize(maxsize=1)
def _measured(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """float64 (4, N): ssim, ssim_fg, ms_ssim3, ms_ssim3_fg; (2, N), without the last two, below 44 pixels a side."""
    scales = len(BETAS) if x.ndim == 3 and min(x.shape[1:]) >= SMALLEST else 1
    return per_chunk(lambda a, b: _on_scales(a, b, scales), x, y)


def _on_scales(x: np.ndarray, y: np.ndarray, scales: int) -> np.ndarray:
    similar, products = [], np.ones((2, len(x)))
    for scale, beta in enumerate(BETAS[:scales]):
        maps, centres = _maps(moments(x), moments(y)), _centres(y)
        if scale == 0:
            both = maps[0] * maps[1]
            similar = [both.mean((1, 2)), masked_mean(both, centres)]
        map_ = maps[0] * maps[1] if scale == len(BETAS) - 1 else maps[1]
        means = np.stack([map_.mean((1, 2)), masked_mean(map_, centres)])
        products *= np.maximum(means, 0) ** beta
        x, y = _halve(x), _halve(y)
    return np.stack([*similar, *products]) if scales > 1 else np.stack(similar)


def ms_ssim3_of_pairs(images: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """``ms_ssim3(images[first], images[second])``, the moments of each image computed once."""
    check_scales(images)
    # the three scales of an image, each with two filtered maps, take four times its float64 pixels
    block_size = max(1, MAX_BYTES // (4 * 8 * 2 * images[0].size))
    blocks = [slice(start, start + block_size) for start in range(0, len(first), block_size)]
    return np.concatenate([_of_pairs(images, first[block], second[block]) for block in blocks])


def _of_pairs(images: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    rows, which = np.unique(np.concatenate([first, second]), return_inverse=True)
    level, product = unit(images[rows]), np.ones(len(first))
    chunks = [which[start : start + len(first)] for start in (0, len(first))]
    for scale, beta in enumerate(BETAS):
        chunked = [moments(level[start : start + CHUNK]) for start in range(0, len(level), CHUNK)]
        every = Moments(*map(np.concatenate, zip(*chunked, strict=True)))
        for start in range(0, len(first), CHUNK):
            pairs = [Moments(*(part[rows[start : start + CHUNK]] for part in every)) for rows in chunks]
            luminance, structure = _maps(*pairs)
            map_ = luminance * structure if scale == len(BETAS) - 1 else structure
            product[start : start + CHUNK] *= np.maximum(map_.mean((1, 2)), 0) ** beta
        level = _halve(level)
    return product


class Moments(NamedTuple):
    """Images (N, H, W), and in windows over their valid region (N, H - 10, W - 10) the mean and the variance."""

    images: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def moments(images: np.ndarray) -> Moments:
    mean = _blur(images)
    return Moments(images, mean, _blur(images * images) - mean * mean)


def _maps(x: Moments, y: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Luminance, and contrast times structure, over the valid region: (N, H - 10, W - 10) each."""
    means = x.mean * y.mean
    luminance = (2 * means + C1) / (x.mean * x.mean + y.mean * y.mean + C1)
    structure = (2 * (_blur(x.images * y.images) - means) + C2) / (x.variance + y.variance + C2)
    return luminance, structure


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


def _blur(images: np.ndarray) -> np.ndarray:
    """The Gaussian window along both axes, as products with parts of a banded matrix: elsewhere it is 0."""
    n, height, width = images.shape
    across = np.empty((n, height, width - WINDOW + 1))
    for start, stop, taps in _bands(width):
        np.matmul(images[:, :, start : stop + WINDOW - 1], taps.T, out=across[:, :, start:stop])
    down = np.empty((n, height - WINDOW + 1, across.shape[2]))
    for start, stop, taps in _bands(height):
        np.matmul(taps, across[:, start : stop + WINDOW - 1], out=down[:, start:stop])
    return down


@lru_cache(maxsize=8)
def _bands(length: int) -> list[tuple[int, int, np.ndarray]]:
    """(start, stop, taps): outputs start to stop of the 1-D filter are taps @ inputs start to stop + 10."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    taps = np.exp(-0.5 * (offsets / SIGMA) ** 2)
    outputs = length - WINDOW + 1
    cuts = np.linspace(0, outputs, max(1, round(outputs / BAND)) + 1).astype(int).tolist()
    bands = []
    for start, stop in pairwise(cuts):
        matrix = np.zeros((stop - start, stop - start + WINDOW - 1))
        for row in range(len(matrix)):
            matrix[row, row : row + WINDOW] = taps / taps.sum()
        bands.append((start, stop, matrix))
    return bands


def _check_window(x: np.ndarray) -> None:
    if x.ndim == 3 and min(x.shape[1:]) < WINDOW:
        raise InputError(
            f"images are {x.shape[1]}x{x.shape[2]} but the SSIM window is {WINDOW}x{WINDOW} pixels: "
            "use a larger size or leave ssim out."
        )


def check_scales(x: np.ndarray) -> None:
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
