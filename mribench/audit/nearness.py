"""Are the nearest real images of what was generated those of the training subjects?

A bare distance says nothing: smooth images are nearer to everything, and images of another kind farther from it. The
same generated images are therefore held against training and held-out subjects at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mribench.audit.shuffles import shuffled
from mribench.metrics.kernels import squared_distances, standardise


def nearness(
    generated: np.ndarray, real: np.ndarray, subjects: Sequence[str], trained: np.ndarray
) -> dict[str, Any]:
    """Share of generated features float64 (n, d) whose nearest row of real (m, d) is of a subject of train.

    subjects: of each row of real, alike many rows each; trained: bool (m,), whether it is in train. Distances are
    Euclidean in z-scores of all real rows, which no shuffle changes. expected: the share over all shuffles of subjects
    between train and test; low, high: where 95 % of them lie; p: of a share as large. share None where train or test
    has fewer than two subjects.
    """
    names, first, which = np.unique(np.asarray(subjects), return_index=True, return_inverse=True)
    in_train = trained[first]
    if min(in_train.sum(), (~in_train).sum()) < 2:
        return {"share": None, "reason": "fewer than two subjects in a split"}
    nearest = squared_distances(standardise(generated, real), standardise(real, real)).argmin(1)
    shares = np.bincount(which[nearest], minlength=len(names)) / len(generated)
    found = shuffled(shares, in_train, "nearness")
    return {"share": found.pop("sum"), "expected": float(in_train.mean()), **found}
