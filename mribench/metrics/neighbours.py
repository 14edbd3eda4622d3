"""Which images of one set lie among those of the other: precision, recall, density, coverage.

Features as in ``distribution``. A ball reaches from each image to its 5th nearest neighbour of the same set. All four
depend on the number of images, so both sides hold the same number, at most 2,048, drawn with a fixed seed. Real
images of other patients do not reach 1 in them: slices of one subject are each other's neighbours. ``Unavailable``
with fewer than 6 images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mribench.memo import memoize
from mribench.metrics.distribution import scaled
from mribench.metrics.kernels import squared_distances
from mribench.metrics.subsets import FromSubsets
from mribench.metrics.uncertainty import SubsetStatistic
from mribench.seeds import numpy_rng
from mribench.spec import FeatureSpace, Metric

K = 5
MAX_IMAGES = 2048  # on a side
SORTED_NEIGHBOURS = 64  # of each image; where fewer than K of them are in a subset, all are searched

# bool (n, m), whether image j is inside the ball of centre i -> number
Measure = Callable[[np.ndarray], float]


def inside_any(inside: np.ndarray) -> float:
    """Share of images inside the ball of some centre: Kynkäänniemi et al. 2019, eq. 2.

    ``precision`` with the real images as centres, ``recall`` with the generated ones.
    """
    return float(inside.any(0).mean())


def density(inside: np.ndarray) -> float:
    """Balls of real images that hold a generated one, over K, mean over the generated: Naeem et al. 2020, eq. 3.

    1 on average where both sets have one distribution; above it where samples gather in dense places.
    """
    return float(np.count_nonzero(inside) / (K * inside.shape[1]))


def coverage(inside: np.ndarray) -> float:
    """Share of real images with a generated one in their ball: Naeem et al. 2020, eq. 4."""
    return float(inside.any(1).mean())


MEASURES: tuple[Measure, ...] = (inside_any, density, coverage)


@dataclass(frozen=True)
class Balls:
    """A measure as ``Metric.on_subsets``: distances are taken once, balls anew in each subset."""

    measure: Measure
    centres: Literal["real", "generated"]

    def __call__(
        self, generated: np.ndarray, reference: np.ndarray, train: np.ndarray | None, space: FeatureSpace
    ) -> SubsetStatistic:
        g, r, _ = scaled(generated, reference, train, space, at_least=K + 1)
        n = min(len(g), len(r), MAX_IMAGES)
        some_g, some_r = (
            np.sort(numpy_rng("neighbours", side).permutation(len(part))[:n])
            for side, part in (("generated", g), ("reference", r))
        )
        g, r, which = g[some_g], r[some_r], MEASURES.index(self.measure)

        def statistic(in_generated: np.ndarray, in_reference: np.ndarray) -> np.ndarray:
            in_g, in_r = in_generated[:, some_g], in_reference[:, some_r]
            sides = (r, g, in_r, in_g) if self.centres == "real" else (g, r, in_g, in_r)
            return _measured(*sides)[which].copy()

        return statistic


# precision, density and coverage look at the same balls, one after the other
@memoize(maxsize=2)
def _measured(
    around: np.ndarray, queries: np.ndarray, in_around: np.ndarray, in_queries: np.ndarray
) -> np.ndarray:
    """Each of ``MEASURES`` on each subset, float64 (3, B), with balls around features (n, d); queries: (m, d)."""
    across, radii = _distances(around, queries)
    values = np.full((len(MEASURES), len(in_around)), np.nan)
    for subset, (a, b) in enumerate(zip(in_around, in_queries, strict=True)):
        if min(a.sum(), b.sum()) > K:
            inside = (across[a] <= radii(a)[:, None])[:, b]
            values[:, subset] = [measure(inside) for measure in MEASURES]
    return values


@memoize(maxsize=1)
def _distances(around: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, _Radii]:
    """Squared distances (n, m), and the radii of the balls."""
    return squared_distances(around, queries), _Radii(around)


class _Radii:
    """Squared distance of each image of a subset to its K-th nearest neighbour in that subset."""

    def __init__(self, features: np.ndarray):
        self.squared = squared_distances(features, features)
        np.fill_diagonal(self.squared, np.inf)
        self.order = np.argsort(self.squared, axis=1)[:, :SORTED_NEIGHBOURS]
        self.sorted = np.take_along_axis(self.squared, self.order, axis=1)

    def __call__(self, inside: np.ndarray) -> np.ndarray:
        rank = np.cumsum(inside[self.order[inside]], axis=1)
        radii = self.sorted[inside, (rank < K).sum(1).clip(max=rank.shape[1] - 1)]
        short = np.flatnonzero(rank[:, -1] < K)
        rows = np.flatnonzero(inside)[short]
        radii[short] = np.partition(self.squared[np.ix_(rows, inside)], K - 1, axis=1)[:, K - 1]
        return radii


def _metric(
    name: str, measure: Measure, top: float, paper: str, centres: Literal["real", "generated"] = "real"
) -> Metric:
    subsets = Balls(measure, centres)
    return Metric(
        name=name,
        title=name.capitalize(),
        unit="",
        direction="up",
        range=(0.0, top),
        kind="distribution",
        compute=FromSubsets(subsets),
        on_subsets=subsets,
        version=1,
        paper=paper,
        headline=False,
    )


KYNKAANNIEMI = "Kynkäänniemi et al. 2019, arXiv:1904.06991"
NAEEM = "Naeem et al. 2020, arXiv:2002.09797"
PRECISION = _metric("precision", inside_any, 1.0, KYNKAANNIEMI)
RECALL = _metric("recall", inside_any, 1.0, KYNKAANNIEMI, centres="generated")
DENSITY = _metric("density", density, float("inf"), NAEEM)
COVERAGE = _metric("coverage", coverage, 1.0, NAEEM)
