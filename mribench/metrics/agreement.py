"""Whether two feature spaces put models in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import sqrt


def kendall_tau(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Kendall's tau-b of two lists of scores of the same models, in [-1, 1]: 1 the same order, -1 the reverse.

    Ties count as in Kendall 1945 (doi:10.1093/biomet/33.3.239). None with fewer than two models, or where one list
    holds nothing but ties. ValueError where the lists differ in length.
    """
    pairs = combinations(zip(map(float, a), map(float, b), strict=True), 2)
    signs = [((x > y) - (x < y), (u > v) - (u < v)) for (x, u), (y, v) in pairs]
    norm = sqrt(sum(s != 0 for s, _ in signs) * sum(t != 0 for _, t in signs))
    return sum(s * t for s, t in signs) / norm if norm else None
