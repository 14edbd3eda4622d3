"""Is the distribution of generated images nearer to the training subjects than to held-out ones?

gap = KD(generated, test) - KD(generated, train), in hc85-v1. Permuting whole subjects between train and test gives the
gap's own distribution under the null hypothesis, exact whatever the generator's quality and however few the subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mribench.audit.permutation import PERCENTILES, p_value, permuted_splits
from mribench.metrics.kernels import median_distance, rbf, standardise

SCALE = 1e3  # as KD is printed


def generalisation_gap(
    generated: np.ndarray,
    train: np.ndarray,
    train_subjects: Sequence[str],
    test: np.ndarray,
    test_subjects: Sequence[str],
) -> dict[str, Any]:
    """The gap and its permutation test.

    Pairs of images of one subject do not enter, so the expectation of a permuted gap is 0. The scale of the features
    is that of train and test together, which no permutation changes.

    Args:
        generated: features, float64 (n, 85).
        train: features of training images, float64 (m, 85).
        train_subjects: subject of each row of ``train``.
        test: features of test images, float64 (k, 85).
        test_subjects: subject of each row of ``test``.

    Returns:
        ``gap`` x 1e3; ``low`` and ``high``, where 95 % of the permuted gaps lie; ``p``, the share of splits with a gap
        at least as large; ``p_test``, the share of those with one at most as large. Only ``gap`` None and
        a ``reason`` where either split has fewer than two subjects.
    """
    names, which = np.unique(np.asarray([*train_subjects, *test_subjects]), return_inverse=True)
    in_test = np.isin(names, np.asarray(test_subjects))
    n_test = int(in_test.sum())
    if min(n_test, len(names) - n_test) < 2:
        return {"gap": None, "reason": "fewer than two subjects in a split"}
    real = np.concatenate([train, test])
    g, r = standardise(generated, real), standardise(real, real)
    bandwidth = median_distance(r)
    member = np.eye(len(names))[which]
    images = member.sum(0)
    to_generated = member.T @ rbf(r, g, bandwidth).mean(1)
    within = member.T @ rbf(r, r, bandwidth) @ member
    np.fill_diagonal(within, 0)
    splits = permuted_splits(in_test, "generalisation gap").astype(np.float64)

    def distance(chosen: np.ndarray) -> np.ndarray:
        """KD of the generated images to each set of subjects (B, S) -> (B,), less the term that both splits share."""
        pairs = np.square(chosen @ images) - chosen @ np.square(images)
        return ((chosen @ within) * chosen).sum(1) / pairs - 2 * (chosen @ to_generated) / (chosen @ images)

    gaps = SCALE * (distance(splits) - distance(1 - splits))
    low, high = np.percentile(gaps[1:], PERCENTILES)
    return {
        "gap": float(gaps[0]),
        "low": float(low),
        "high": float(high),
        "p": p_value(gaps),
        "p_test": p_value(-gaps),
    }
