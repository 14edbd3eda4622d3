"""Kernels of the kernel distance, and the scale that the real training features give them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mribench.memo import memoize

CLIP = 8.0
MEDIAN_ROWS = 1000
BLOCK_ROWS = 256  # of a kernel at once: at 10,000 images 20 MB in place of 800


def standardise(features: np.ndarray, train: np.ndarray) -> np.ndarray:
    """z-scores by the mean and std of ``train``, clipped to +-8; a feature constant in ``train`` has std 1.

    features (n, d), train (m, d), float64 -> float64 (n, d). The clip keeps one exploding z-score (a quantile
    that is 0 in nearly every real image) from deciding the distance alone.
    """
    std = train.std(0)
    return ((features - train.mean(0)) / np.where(std > 0, std, 1.0)).clip(-CLIP, CLIP)


@memoize(maxsize=64)
def median_distance(features: np.ndarray) -> float:
    """Median Euclidean distance between rows of (n, d); 1 where fewer than two rows differ.

    Above 1,000 rows, 1,000 are taken at equal steps of their sorted order, so the order of images does not
    matter.
    """
    if len(features) > MEDIAN_ROWS:
        order = np.lexsort(features.T)
        features = features[order[np.linspace(0, len(order) - 1, MEDIAN_ROWS).astype(int)]]
    pairs = np.triu_indices(len(features), 1)
    median = float(np.median(np.sqrt(squared_distances(features, features)[pairs]))) if len(pairs[0]) else 0.0
    return median if median > 0 else 1.0


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a_i - b_j|^2, float64 (n, m), never below 0."""
    squared = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * (a @ b.T)
    return np.maximum(squared, 0, out=squared)


def cubic(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(<a, b> / d + 1)^3, float64 (n, m): the kernel of KID (Binkowski et al. 2018, arXiv:1801.01401)."""
    return (a @ b.T / a.shape[1] + 1) ** 3


def rbf(a: np.ndarray, b: np.ndarray, bandwidth: float) -> np.ndarray:
    """Mean of exp(-|a - b|^2 / 2 s^2) over s = bandwidth x {0.5, 1, 2}; float64 (n, m) in [0, 1].

    The mean, not the sum, so that the squared distance stays below 2 whatever the number of bandwidths.
    Median heuristic: Gretton et al. 2012, JMLR 13:723; several bandwidths: Li et al. 2015, arXiv:1502.02761.
    """
    # half the bandwidth is the fourth power: one exponential, the slow part, serves all three
    widest = np.exp(squared_distances(a, b) / (-8 * bandwidth**2))
    middle = widest**4
    return (widest + middle + middle**4) / 3


def pair_sums(
    kernel: Callable[[np.ndarray, np.ndarray], np.ndarray],
    x: np.ndarray,
    in_x: np.ndarray,
    y: np.ndarray | None = None,
    in_y: np.ndarray | None = None,
    group: np.ndarray | None = None,
) -> np.ndarray:
    """Sum of kernel(x_i, y_j) over the pairs of images in each subset; without y, over pairs of x with i != j.

    Memory grows with n, not with n m.

    Args:
        kernel: (k, d), (m, d) -> (k, m).
        x: float64 (n, d).
        in_x: float64 (B, n), how often an image is in each subset, or its weight. Copies of one image are pairs.
        y: float64 (m, d).
        in_y: float64 (B, m).
        group: int (n,), without y alone: images of one group are no pairs, nor are copies of one image.

    Returns:
        float64 (B,).
    """
    total = np.zeros(len(in_x))
    for start in range(0, len(x), BLOCK_ROWS):
        block = kernel(x[start : start + BLOCK_ROWS], x if y is None else y)
        rows = in_x[:, start : start + BLOCK_ROWS]
        if group is not None:
            block *= group[start : start + BLOCK_ROWS, None] != group
        total += ((rows @ block) * (in_x if in_y is None else in_y)).sum(1)
        if y is None and group is None:
            # an image is no pair with itself
            total -= rows @ np.diagonal(block, offset=start)
    return total
