"""How unlike each other the generated images are, against how unlike the real ones are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mribench.errors import Unavailable
from mribench.memo import memoize
from mribench.metrics.structure import ms_ssim3_of_pairs
from mribench.metrics.subsets import FromSubsets
from mribench.metrics.uncertainty import SubsetStatistic
from mribench.seeds import numpy_rng
from mribench.spec import Metric

PAIRS = 1000
MAX_ENUMERATED = 1000  # images, whose pairs are half a million


def on_subsets(generated: np.ndarray, reference: np.ndarray, subjects: Sequence[str]) -> SubsetStatistic:
    """Mean three-scale SSIM of 1,000 seeded pairs of generated images minus that of 1,000 real pairs.

    Real pairs are of two subjects: slices of one are alike, whoever generates. Above 0: the samples are more alike
    than patients are (collapse); below 0: less alike, as noise is. On a subset, the pairs that lie in it.
    ``Unavailable`` with fewer than two generated images or two subjects, and as ``structure.ms_ssim3``.
    """
    groups = np.arange(len(generated)), np.unique(np.asarray(subjects), return_inverse=True)[1]
    sides = [
        _similar(images, group, side)
        for images, group, side in zip((generated, reference), groups, ("generated", "real"), strict=True)
    ]

    def statistic(in_generated: np.ndarray, in_reference: np.ndarray) -> np.ndarray:
        (a, b), of_generated = sides[0]
        (c, d), of_real = sides[1]
        return _mean(of_generated, in_generated[:, a] & in_generated[:, b]) - _mean(
            of_real, in_reference[:, c] & in_reference[:, d]
        )

    return statistic


@memoize(maxsize=64)
def _similar(
    images: np.ndarray, group: np.ndarray, side: str
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """((first, second), ms_ssim3): up to 1,000 different pairs from two groups, and how alike they are."""
    rng = numpy_rng("diversity", side)
    if len(images) <= MAX_ENUMERATED:
        first, second = np.triu_indices(len(images), 1)
    else:
        # draw more than enough of millions of pairs: pairs of one subject and repeats are dropped
        drawn = np.sort(rng.integers(0, len(images), (20 * PAIRS, 2)), axis=1)
        first, second = np.unique(drawn[drawn[:, 0] < drawn[:, 1]], axis=0).T
    apart = np.flatnonzero(group[first] != group[second])
    if len(apart) == 0:
        raise Unavailable(
            f"{len(images)} {side} images hold no pair to compare: two of two subjects are needed"
        )
    chosen = np.sort(rng.permutation(apart)[:PAIRS])
    pairs = first[chosen], second[chosen]
    return pairs, ms_ssim3_of_pairs(images, *pairs)


def _mean(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Mean of (P,) over each row of bool (B, P); NaN where a row is empty."""
    counts = inside.sum(1)
    return np.divide(inside @ values, counts, out=np.full(len(inside), np.nan), where=counts > 0)


DIVERSITY = Metric(
    name="diversity",
    title="Pairwise MS-SSIM, generated minus real",
    unit="",
    direction="zero",
    range=(-1.0, 1.0),
    kind="images",
    compute=FromSubsets(on_subsets),
    on_subsets=on_subsets,
    version=1,
    paper="Odena et al. 2017, arXiv:1610.09585, sec. 4.2",
    headline=False,
)
