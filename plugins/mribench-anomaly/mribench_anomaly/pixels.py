"""From an image and its reconstruction to a map of anomaly, and what such a map is worth against a mask.

A map has larger numbers where something does not belong. It is judged inside the body alone: air tells nothing, and
whoever calls dark pixels strange would be right or wrong by the size of the background.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

AIR = 10 / 255  # grey level below which a pixel is air
SIDE = 64  # of images whose smoothing is told in pixels
WIDTHS = (0.0, 1.0, 2.0)  # standard deviations of the smoothing that are tried, pixels of a side of 64


def body(images: np.ndarray, twins: np.ndarray) -> np.ndarray:
    """bool (n, H, W): the foreground of either image with its holes filled; images and twins uint8 (n, H, W)."""
    from scipy import ndimage

    shown = np.maximum(images, twins) >= 255 * AIR
    return np.stack([ndimage.binary_fill_holes(one) for one in shown])


def anomaly_map(images: np.ndarray, answers: np.ndarray, inside: np.ndarray, width: float) -> np.ndarray:
    """float64 (n, H, W): |image - reconstruction| in grey ranges, smoothed within the body; 0 outside.

    Args:
        images: uint8 (n, H, W).
        answers: Reconstructions, uint8 (n, H, W).
        inside: bool (n, H, W), the body.
        width: Standard deviation of the Gaussian, in pixels of a side of 64; 0: no smoothing.
    """
    residual = np.abs(images.astype(np.float64) - answers) / 255 * inside
    if width == 0:
        return residual
    from scipy import ndimage

    sigma = width * images.shape[1] / SIDE
    # divided by the share of the window that lies in the body, so that its edge is not darkened
    weight = ndimage.gaussian_filter(inside.astype(np.float64), (0, sigma, sigma))
    return ndimage.gaussian_filter(residual, (0, sigma, sigma)) / np.maximum(weight, 1e-6) * inside


def average_precision(own: np.ndarray, strange: np.ndarray) -> np.ndarray:
    """float64 (1,): the sum over thresholds of precision times the step of recall.

    Pixels of one value are flagged together, so that a constant map has the share of strange pixels.

    Args:
        own: float64 (N,), the map at healthy pixels.
        strange: float64 (M,), the map at pixels of the lesion.
    """
    found, flagged = _curve(own, strange)
    return np.array([np.sum(found / flagged * np.diff(found, prepend=0)) / len(strange)])


def best_dice(own: np.ndarray, strange: np.ndarray) -> np.ndarray:
    """float64 (1,): the largest Dice coefficient over all thresholds; arguments as of ``average_precision``."""
    found, flagged = _curve(own, strange)
    return np.array([np.max(2 * found / (flagged + len(strange)))])


def _curve(own: np.ndarray, strange: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strange pixels and all pixels at or above each threshold, from the highest downwards."""
    values = np.concatenate([strange, own])
    order = np.argsort(-values, kind="stable")
    found = np.cumsum(order < len(strange))
    last = np.flatnonzero(np.diff(values[order], append=-np.inf))
    return found[last], last + 1


def dice(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Dice coefficient of masks, float64 (N,): 2 sum xy / (sum x^2 + sum y^2), and 1 of two empty masks.

    Args:
        x: What was flagged, (N, H, W), 0 or 1.
        y: The true mask, of the same shape.
    """
    x, y = x.astype(np.float64), y.astype(np.float64)
    total = np.square(x).sum((1, 2)) + np.square(y).sum((1, 2))
    return np.where(total > 0, 2 * (x * y).sum((1, 2)) / np.maximum(total, 1e-12), 1.0)


def false_area(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Share of the pixels that are flagged and not in the true mask, float64 (N,); arguments as of ``dice``."""
    return np.maximum(x.astype(np.float64) - y, 0).mean((1, 2))


def best_threshold(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float:
    """The threshold of the largest mean Dice coefficient; what is not below it is flagged.

    Args:
        maps: Of each image float64 (pixels,), its map inside the body.
        masks: bool of the same shapes, the lesions.
    """
    # every value: a lesion has less than a hundredth of the body, and quantiles at equal steps would pass it by
    tried = np.unique(np.concatenate(maps))
    scores = np.zeros(len(tried))
    for values, lesion in zip(maps, masks, strict=True):
        flagged = len(values) - np.searchsorted(np.sort(values), tried)
        found = lesion.sum() - np.searchsorted(np.sort(values[lesion]), tried)
        scores += 2 * found / np.maximum(flagged + lesion.sum(), 1)
    return float(tried[np.argmax(scores)])
