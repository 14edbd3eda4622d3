"""Is the distribution of generated images nearer to the training subjects than to held-out ones?

gap = KD(generated, test) - KD(generated, train), in hc85-v1. A generator that does not know which subjects trained it
cannot tell the two apart, so shuffling whole subjects between train and test gives the gap's own distribution: exact,
whatever the generator's quality and however few the subjects (Fisher's permutation test, with subjects as units).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mribench.audit.shuffles import PERCENTILES, divisions, p_of
from mribench.metrics.kernels import median_distance, rbf, standardise

SCALE = 1e3  # as KD is printed


def generalisation_gap(
    generated: np.ndarray,
    train: np.ndarray,
    train_subjects: Sequence[str],
    test: np.ndarray,
    test_subjects: Sequence[str],
) -> dict[str, Any]:
    """gap x 1e3, [low, high] where 95 % of the shuffled gaps lie, and p: share of shuffles at least as large.

    Features float64 (n, 85). Pairs of images of one subject do not enter, so the expectation of a shuffled gap is 0;
    the scale of the features is that of train and test together, which no shuffle changes. gap None where either split
    has fewer than two subjects.
    """
    names, which = np.unique(np.asarray([*train_subjects, *test_subjects]), return_inverse=True)
    tested = np.isin(names, np.asarray(test_subjects))
    n_test = int(tested.sum())
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
    shuffled = divisions(tested, "generalisation gap").astype(np.float64)

    def half(chosen: np.ndarray) -> np.ndarray:
        """KD of the generated to each set of subjects (B, S) -> (B,), less the term that both sides share."""
        pairs = np.square(chosen @ images) - chosen @ np.square(images)
        return ((chosen @ within) * chosen).sum(1) / pairs - 2 * (chosen @ to_generated) / (chosen @ images)

    gaps = SCALE * (half(shuffled) - half(1 - shuffled))
    low, high = np.percentile(gaps[1:], PERCENTILES)
    return {
        "gap": float(gaps[0]),
        "low": float(low),
        "high": float(high),
        "p": p_of(gaps),
    }
