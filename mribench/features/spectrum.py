"""Radially averaged power spectrum."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

BINS = 32
# about the power of the rounding error of 8 bits, (1/255)^2 / 12, below which a spectrum says nothing
FLOOR = 1e-6


def radial_log_power(images: np.ndarray) -> np.ndarray:
    """Natural log of the mean power in 32 rings from 0 to the Nyquist frequency, 0.5 cycles/pixel.

    (N, H, W) with even sides -> float64 (N, 32). Power is |FFT|^2 / (H W), so white noise of variance v has
    power v in every ring. Durall et al. 2020, arXiv:2003.01826.
    """
    _, height, width = images.shape
    power = np.square(np.abs(np.fft.rfft2(images))) / (height * width)
    return np.log(power.reshape(len(images), -1) @ _rings(height, width).T + FLOOR)


@lru_cache(maxsize=8)
def _rings(height: int, width: int) -> np.ndarray:
    """Averaging weights (32, H (W/2 + 1)); a ring without a frequency (small images) is interpolated."""
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)).ravel()
    # rfft2 keeps half of the plane: columns other than the first and the last stand for two frequencies
    twice = np.full(width // 2 + 1, 2.0)
    twice[[0, -1]] = 1.0
    count = np.tile(twice, height)
    ring = np.floor(radius * 2 * BINS).astype(int)
    sums = np.zeros((BINS, len(radius)))
    inside = ring < BINS
    sums[ring[inside], np.flatnonzero(inside)] = count[inside]
    totals = sums.sum(1)
    filled = np.flatnonzero(totals)
    means = sums[filled] / totals[filled, None]
    nearest = np.clip(np.searchsorted(filled, np.arange(BINS), side="right") - 1, 0, len(filled) - 1)
    after = np.minimum(nearest + 1, len(filled) - 1)
    gap = np.maximum(filled[after] - filled[nearest], 1)
    share = ((np.arange(BINS) - filled[nearest]) / gap)[:, None].clip(0, 1)
    return (1 - share) * means[nearest] + share * means[after]
