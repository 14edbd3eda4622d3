"""How strange an image looks: by the denoising losses of a prior, or by numbers that need no network.

Every number is a deviation from the validation images, in their standard deviations. A loss alone says little: smooth
images of anything are easy to denoise, and a likelihood prefers them (Nalisnick et al. 2019, arXiv 1810.09136). What is
unusual in either direction is strange (the typicality test of Nalisnick et al. 2019, arXiv 1906.02994).
"""

from __future__ import annotations

import numpy as np

COMPONENTS = 32


def deviations(values: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """float64 (..., n): (values - mean) / standard deviation, both of ``usual``, float64 (..., m)."""
    spread = usual.std(-1, ddof=1, keepdims=True)
    return (values - usual.mean(-1, keepdims=True)) / np.maximum(spread, 1e-12)


def by_losses(losses: np.ndarray, usual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unusual either way, and large: float64 (n,) each, means over noise levels of the deviation of the logarithm.

    Args:
        losses: (levels, n), above 0.
        usual: (levels, m), those of validation images.
    """
    found = deviations(np.log(losses.astype(float)), np.log(usual.astype(float)))
    return np.abs(found).mean(0), found.mean(0)


def by_grey(images: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """float64 (n,): deviation of the mean grey level, either way, of uint8 (n, H, W) from uint8 (m, H, W)."""
    return np.abs(deviations(images.mean((1, 2)), usual.mean((1, 2))))


def by_components(images: np.ndarray, usual: np.ndarray, train: np.ndarray) -> np.ndarray:
    """float64 (n,): deviation of what the principal components of the training images leave over, either way."""
    flat = train.reshape(len(train), -1) / 255
    mean = flat.mean(0)
    axes = np.linalg.svd(flat - mean, full_matrices=False)[2][:COMPONENTS]

    def left(part: np.ndarray) -> np.ndarray:
        centred = part.reshape(len(part), -1) / 255 - mean
        return np.log(np.square(centred - centred @ axes.T @ axes).mean(1) + 1e-12)

    return np.abs(deviations(left(images), left(usual)))
