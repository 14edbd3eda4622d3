"""A distribution metric on many subsets of the same images, as intervals and noise floors need it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mribench.metrics.distribution import kernel_distance, kernel_matrices
from mribench.metrics.uncertainty import SubsetStatistic
from mribench.spec import FeatureSpace


def resamples(space: FeatureSpace) -> int:
    """Fewer where one Fréchet distance takes seconds (2,048 dimensions) instead of milliseconds."""
    return 200 if space.dim <= 512 else 20


def subset_statistic(
    compute: Callable[..., float],
    generated: np.ndarray,
    reference: np.ndarray,
    train: np.ndarray | None,
    space: FeatureSpace,
) -> SubsetStatistic:
    """``statistic(in_generated, in_reference)``, bool (B, n), (B, m) -> float64 (B,), for ``Metric.compute``.

    Any metric is computed anew per subset (``frechet_distance`` takes milliseconds at d = 85 and seconds at
    2,048). The kernel distance computes its matrices once and sums blocks of them. Raises what ``compute``
    raises.
    """
    if compute is kernel_distance:
        return _kernel_distance_on_blocks(*kernel_matrices(generated, reference, train, space))

    def statistic(in_generated: np.ndarray, in_reference: np.ndarray) -> np.ndarray:
        pairs = zip(in_generated, in_reference, strict=True)
        return np.array([compute(generated[g], reference[r], train, space) for g, r in pairs])

    return statistic


def _kernel_distance_on_blocks(gg: np.ndarray, rr: np.ndarray, gr: np.ndarray) -> SubsetStatistic:
    np.fill_diagonal(gg, 0)
    np.fill_diagonal(rr, 0)

    def statistic(in_generated: np.ndarray, in_reference: np.ndarray) -> np.ndarray:
        g, r = in_generated.astype(np.float64), in_reference.astype(np.float64)
        n, m = g.sum(1), r.sum(1)
        within = _block_sums(g, gg, g) / (n * (n - 1)) + _block_sums(r, rr, r) / (m * (m - 1))
        return within - 2 * _block_sums(g, gr, r) / (n * m)

    return statistic


def _block_sums(rows: np.ndarray, kernel: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sum of the kernel over the block that each pair of 0/1 rows selects: (B, n), (n, m), (B, m) -> (B,)."""
    return ((rows @ kernel) * columns).sum(1)
