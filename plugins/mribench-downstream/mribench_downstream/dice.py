"""Dice of label maps by subject."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mribench.spec import NOT_ANNOTATED


def dice(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """2 sum(x y) / (sum(x^2) + sum(y^2)) of each pair of masks, float64 (N,); 1 where both are empty.

    Of masks of 0 and 1 it is 2 |X and Y| / (|X| + |Y|) (Dice 1945, doi:10.2307/1932409); of numbers between them the
    form of Milletari et al. 2016, arXiv 1606.04797.

    Args:
        x: (N, H, W) in [0, 1].
        y: The same.
    """
    x, y = (part.reshape(len(part), -1).astype(np.float64) for part in (x, y))
    both, total = (x * y).sum(1), np.square(x).sum(1) + np.square(y).sum(1)
    return np.divide(2 * both, total, out=np.ones_like(total), where=total > 0)


def by_subject(found: np.ndarray, truth: np.ndarray, subjects: Sequence[str], classes: int) -> np.ndarray:
    """Dice of every structure over all slices of a subject: float64 (subjects, classes - 1), subjects sorted by id.

    NaN where the truth of the subject lacks the structure: what is found there anyhow is missing elsewhere. Pixels that
    are not annotated count for nothing.

    Args:
        found: Label maps, uint8 (n, H, W).
        truth: The same, drawn by somebody.
        subjects: n ids.
        classes: Values of the label maps; 0 is the background.
    """
    names, which = np.unique(np.asarray(subjects), return_inverse=True)
    numbers = np.full((len(names), classes - 1), np.nan)
    for i in range(len(names)):
        known = truth[which == i] != NOT_ANNOTATED
        ours, real = found[which == i][known], truth[which == i][known]
        for structure in np.unique(real[real > 0]):
            of_both = (ours == structure)[None, None], (real == structure)[None, None]
            numbers[i, structure - 1] = dice(*of_both)[0]
    return numbers
