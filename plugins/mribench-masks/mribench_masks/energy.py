"""How far apart label maps are that were drawn for one image, and how far they are from the truth.

The distance of two masks is 1 - |X and Y| / |X or Y|, the Jaccard distance, 0 where both are empty. It is a metric of
negative type (Gower 1971, doi:10.2307/2528823): the energy distance below is least where answers are drawn as truths
are. Numbers of two draws are means over pairs of different draws, so that they do not depend on how many are taken.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Distances(NamedTuple):
    """Mean Jaccard distances, float64 (N,) each."""

    to_truth: np.ndarray  # E d(S, Y)
    between: np.ndarray  # E d(S, S'), of two draws; 0 of a single answer, which does not vary


def distances(answers: np.ndarray, truth: np.ndarray) -> Distances:
    """Of masks.

    Args:
        answers: (N, K, H, W) in [0, 1]. Between 0 and 1 the distance is 1 - sum min(x, y) / sum max(x, y), the same for
            masks of 0 and 1.
        truth: (N, H, W), likewise.
    """
    draws = [answers[:, k] for k in range(answers.shape[1])]
    to_truth = np.mean([jaccard_distance(one, truth) for one in draws], axis=0)
    pairs = [(one, other) for k, one in enumerate(draws) for other in draws[:k]]
    between = [jaccard_distance(*pair) for pair in pairs] or [np.zeros(len(truth))]
    return Distances(to_truth, np.mean(between, axis=0))


def jaccard_distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1 - sum min(x, y) / sum max(x, y), float64 (N,); 0 where both are empty. x, y: (N, H, W) in [0, 1]."""
    x, y = (part.reshape(len(part), -1) for part in (x, y))
    both, either = (np.asarray(of(x, y).sum(1), np.float64) for of in (np.minimum, np.maximum))
    return 1 - np.divide(both, either, out=np.ones_like(either), where=either > 0)


def ged(found: Distances) -> np.ndarray:
    """Squared generalised energy distance 2 E d(S, Y) - E d(S, S'), float64 (N,) from 0 to 2.

    Kohl et al. 2018, arXiv 1806.05034, with one truth Y for an image, so that its third term is 0. By the
    triangle inequality it is never negative.
    """
    return 2 * found.to_truth - found.between


def overconfidence(found: Distances) -> np.ndarray:
    """E d(S, Y) - E d(S, S'), float64 (N,) from -1 to 1.

    0 in the mean where the truth could be one of the draws; above it the draws differ less from each other than from
    the truth, as a single answer always does that is not right.
    """
    return found.to_truth - found.between
