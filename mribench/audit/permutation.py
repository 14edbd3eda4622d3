"""Fisher's permutation test with subjects as units: does it matter which of them are in train?

A generator that does not know its training subjects treats those of train and of test alike, however good or bad it
is. A statistic of the subjects is then as likely under any other split of the same subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mribench.metrics.kernels import squared_distances, standardise
from mribench.seeds import numpy_rng

PERMUTATIONS = 999
PERCENTILES = (2.5, 97.5)


def permuted_splits(in_train: np.ndarray, name: str) -> np.ndarray:
    """bool (1 + 999, subjects): which subjects are in one of the two splits; the true split first, then permuted."""
    rng = numpy_rng(name)
    return np.stack([in_train, *(rng.permutation(in_train) for _ in range(PERMUTATIONS))])


def p_value(statistics: np.ndarray) -> float:
    """Share of splits with a statistic at least that of the first, the true one. Exact: the true one counts too."""
    return float((statistics >= statistics[0] - 1e-12 * np.abs(statistics).max()).mean())


def permutation_test(values: np.ndarray, in_train: np.ndarray, name: str) -> dict[str, float]:
    """One-sided test of the sum over the training subjects.

    Args:
        values: float64 (subjects,), one number per subject.
        in_train: bool (subjects,).
        name: of the random stream, so that each test has its own permutations.

    Returns:
        ``sum``; ``low`` and ``high``, where 95 % of the permuted sums lie; ``p``; ``p_test``, that of the other side.
    """
    sums = permuted_splits(in_train, name).astype(np.float64) @ values
    low, high = np.percentile(sums[1:], PERCENTILES)
    return {
        "sum": float(sums[0]),
        "low": float(low),
        "high": float(high),
        "p": p_value(sums),
        "p_test": p_value(-sums),
    }


def nearness(
    generated: np.ndarray, real: np.ndarray, subjects: Sequence[str], in_train: np.ndarray
) -> dict[str, Any]:
    """Are the real images nearest to the generated ones those of the training subjects?

    A bare distance cannot tell: smooth images are nearer to everything, and images of another kind farther from it.
    The same generated images are therefore held against training and held-out subjects at once. Distances are
    Euclidean in z-scores of all real rows, which no permutation changes.

    Args:
        generated: features, float64 (n, d).
        real: features of real images, float64 (m, d), about equally many of each subject.
        subjects: subject of each row of ``real``.
        in_train: bool (m,), whether that row is in train.

    Returns:
        ``share`` of the generated rows whose nearest real row is of a training subject; ``expected``, its mean over
        all splits of the subjects; ``low`` and ``high``, where 95 % of the permuted shares lie; ``p``; ``p_test``, of
        the question whether they are those of the test subjects. Only ``share`` None and a ``reason`` where
        train or test has fewer than two subjects.
    """
    names, first, which = np.unique(np.asarray(subjects), return_index=True, return_inverse=True)
    trained = in_train[first]
    if min(trained.sum(), (~trained).sum()) < 2:
        return {"share": None, "reason": "fewer than two subjects in a split"}
    nearest = squared_distances(standardise(generated, real), standardise(real, real)).argmin(1)
    shares = np.bincount(which[nearest], minlength=len(names)) / len(generated)
    test = permutation_test(shares, trained, "nearness")
    return {"share": test.pop("sum"), "expected": float(trained.mean()), **test}
