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

from mribench.metrics.distribution import scaled
from mribench.metrics.kernels import squared_distances
from mribench.metrics.subsets import Whole
from mribench.metrics.uncertainty import SubsetStatistic
from mribench.seeds import numpy_rng
from mribench.spec import FeatureSpace, Metric

K = 5
MOST = 2048
NEAREST = 64  # of the sorted neighbours; where fewer than K of them are in a subset, all are looked at

# squared distances (n, m) from centres to the images asked about, squared radii (n,) -> number; all of one subset
Measure = Callable[[np.ndarray, np.ndarray], float]


def inside_any(across: np.ndarray, radii: np.ndarray) -> float:
    """Share of images inside the ball of some centre: Kynkäänniemi et al. 2019, eq. 2.

    ``precision`` with the real images as centres, ``recall`` with the generated ones.
    """
    return float((across <= radii[:, None]).any(0).mean())


def density(across: np.ndarray, radii: np.ndarray) -> float:
    """Balls of real images that hold a generated one, over K, mean over the generated: Naeem et al. 2020, eq. 3.

    1 on average where both sets have one distribution; above it where samples gather in dense places.
    """
    return float(np.count_nonzero(across <= radii[:, None]) / (K * across.shape[1]))


def coverage(across: np.ndarray, radii: np.ndarray) -> float:
    """Share of real images with a generated one in their ball: Naeem et al. 2020, eq. 4."""
    return float((across.min(1) <= radii).mean())


@dataclass(frozen=True)
class Balls:
    """A measure as ``Metric.on_subsets``: distances are taken once, balls anew in each subset."""

    measure: Measure
    centres: Literal["real", "generated"]

    def __call__(
        self, generated: np.ndarray, reference: np.ndarray, train: np.ndarray | None, space: FeatureSpace
    ) -> SubsetStatistic:
        g, r, _ = scaled(generated, reference, train, space, at_least=K + 1)
        n = min(len(g), len(r), MOST)
        some_g, some_r = (
            np.sort(numpy_rng("neighbours", side).permutation(len(part))[:n])
            for side, part in (("generated", g), ("reference", r))
        )
        real = self.centres == "real"
        around, asked = (r[some_r], g[some_g]) if real else (g[some_g], r[some_r])
        across, radii = squared_distances(around, asked), _Radii(around)

        def statistic(in_generated: np.ndarray, in_reference: np.ndarray) -> np.ndarray:
            in_g, in_r = in_generated[:, some_g], in_reference[:, some_r]
            pairs = zip(in_r, in_g, strict=True) if real else zip(in_g, in_r, strict=True)
            return np.array([one(a, b) for a, b in pairs])

        def one(in_around: np.ndarray, in_asked: np.ndarray) -> float:
            if min(in_around.sum(), in_asked.sum()) <= K:
                return np.nan
            return self.measure(across[np.ix_(in_around, in_asked)], radii(in_around))

        return statistic


class _Radii:
    """Squared distance of each image of a subset to its K-th nearest neighbour in that subset."""

    def __init__(self, features: np.ndarray):
        self.squared = squared_distances(features, features)
        np.fill_diagonal(self.squared, np.inf)
        self.order = np.argsort(self.squared, axis=1)[:, :NEAREST]
        self.sorted = np.take_along_axis(self.squared, self.order, axis=1)

    def __call__(self, inside: np.ndarray) -> np.ndarray:
        rank = np.cumsum(inside[self.order[inside]], axis=1)
        found = self.sorted[inside, (rank < K).sum(1).clip(max=rank.shape[1] - 1)]
        short = np.flatnonzero(rank[:, -1] < K)
        rows = np.flatnonzero(inside)[short]
        found[short] = np.partition(self.squared[np.ix_(rows, inside)], K - 1, axis=1)[:, K - 1]
        return found


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
        compute=Whole(subsets),
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
