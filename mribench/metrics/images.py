"""Checks that every metric makes of its images: shape, finite values, the range [0, 1]. And the foreground."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mribench.errors import InputError
from mribench.features.hc85 import AIR

TOLERANCE = 1e-3  # beyond [0, 1]
CHUNK = 256  # images at once
ROUNDING = 1e-6  # of means of stored grey levels, which lie 1e-4 and more apart


def unit(images: np.ndarray) -> np.ndarray:
    """float64 in [0, 1]. Values outside by no more than 1e-3 are clipped; more is an ``InputError``, as is NaN."""
    images = images.astype(np.float64)
    low, high = images.min(), images.max()
    # written so that NaN fails it too
    if not (low >= -TOLERANCE and high <= 1 + TOLERANCE):
        raise InputError(
            f"image values run from {low:.4g} to {high:.4g}, finite values in [0, 1] are expected: "
            "scale the images first."
        )
    return images.clip(0, 1)


def by_chunks(describe: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> np.ndarray:
    """describe(unit(images)) of 256 images at a time: float64 copies of 10,000 images take a gibibyte together."""
    starts = range(0, len(images), CHUNK)
    return np.concatenate([describe(unit(images[start : start + CHUNK])) for start in starts])


def foreground(reference: np.ndarray) -> np.ndarray:
    """bool (N, H, W): pixels of the reference at or above the air floor of 10/255; all of an image without any.

    Air is easy to restore and inflates every score that counts it.
    """
    # the mean of 2x2 pixels that is 10/255 exactly must not fall by rounding
    mask = reference >= AIR - ROUNDING
    mask[~mask.any((1, 2))] = True
    return mask
