"""Spectrum, histogram and background of a set of images, compared with those of the real ones.

Each metric compares two mean descriptions, so many subsets cost a matrix product. Images (n, H, W) in [0, 1]; the
subjects of the reference do not enter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np

from mribench.features.spectrum import radial_log_power
from mribench.memo import memoize
from mribench.metrics.background import air_share, offset, sigma, sums_in_air
from mribench.metrics.images import by_chunks
from mribench.metrics.subsets import FromSubsets
from mribench.metrics.uncertainty import SubsetStatistic
from mribench.spec import Metric

GREY_LEVELS = 255
DECIBEL = 10 / np.log(10)  # of a natural logarithm of power

Describe = Callable[[np.ndarray], np.ndarray]  # (n, H, W) -> (n, d), each image by itself
Compare = Callable[[np.ndarray, np.ndarray], np.ndarray]  # mean descriptions (B, d), (B, d) -> (B,)


def of_means(
    describe: Describe, compare: Compare, generated: np.ndarray, reference: np.ndarray
) -> SubsetStatistic:
    """compare(mean of describe over the generated, the same over the reference), on subsets of both."""
    g, r = _described(describe, generated), _described(describe, reference)

    def statistic(in_generated: np.ndarray, in_reference: np.ndarray) -> np.ndarray:
        return compare(_means(in_generated, g), _means(in_reference, r))

    return statistic


# two metrics describe the same air, and every cell the same real images
@memoize(maxsize=8)
def _described(describe: Describe, images: np.ndarray) -> np.ndarray:
    return by_chunks(describe, images)


def _means(inside: np.ndarray, values: np.ndarray) -> np.ndarray:
    return inside.astype(np.float64) @ values / inside.sum(1)[:, None]


def spectrum(generated: np.ndarray, reference: np.ndarray, subjects: Sequence[str]) -> SubsetStatistic:
    """RMS over 32 rings of the difference of the mean log power, in dB: ``features.spectrum.radial_log_power``."""
    return of_means(radial_log_power, _root_mean_square, generated, reference)


def histogram(generated: np.ndarray, reference: np.ndarray, subjects: Sequence[str]) -> SubsetStatistic:
    """1-Wasserstein distance of the pooled histograms of 256 grey levels, in grey levels."""
    return of_means(_counts, _earth_mover, generated, reference)


def background_offset(
    generated: np.ndarray, reference: np.ndarray, subjects: Sequence[str]
) -> SubsetStatistic:
    """Generated minus real ``background.offset``, in grey levels. Raises as ``background.air_share``."""
    return of_means(_air(reference), partial(_difference, offset), generated, reference)


def background_sigma(
    generated: np.ndarray, reference: np.ndarray, subjects: Sequence[str]
) -> SubsetStatistic:
    """Generated minus real ``background.sigma``, in grey levels. Raises as ``background.air_share``."""
    return of_means(_air(reference), partial(_difference, sigma), generated, reference)


def _air(reference: np.ndarray) -> Describe:
    """On both sides the same share of darkest pixels, that of the air in the reference."""
    return partial(sums_in_air, share=air_share(reference))


def _difference(of: Callable[[np.ndarray], np.ndarray], g: np.ndarray, r: np.ndarray) -> np.ndarray:
    return (of(g) - of(r)) * GREY_LEVELS


def _root_mean_square(g: np.ndarray, r: np.ndarray) -> np.ndarray:
    return DECIBEL * np.sqrt(np.square(g - r).mean(1))


def _counts(images: np.ndarray) -> np.ndarray:
    """Share of each of the 256 grey levels in each image."""
    levels = np.rint(images * GREY_LEVELS).astype(np.int64).reshape(len(images), -1)
    addresses = levels + (GREY_LEVELS + 1) * np.arange(len(images))[:, None]
    counts = np.bincount(addresses.ravel(), minlength=(GREY_LEVELS + 1) * len(images))
    return counts.reshape(len(images), -1) / levels.shape[1]


def _earth_mover(g: np.ndarray, r: np.ndarray) -> np.ndarray:
    return np.abs(np.cumsum(g - r, axis=1)).sum(1)


def _metric(
    name: str,
    title: str,
    unit_: str,
    direction: Literal["down", "zero"],
    on_subsets: Callable[..., SubsetStatistic],
    paper: str,
    mri_only: bool = False,
) -> Metric:
    infinity = float("inf")
    return Metric(
        name=name,
        title=title,
        unit=unit_,
        direction=direction,
        range=(0.0 if direction == "down" else -infinity, infinity),
        kind="images",
        compute=FromSubsets(on_subsets),
        on_subsets=on_subsets,
        version=1,
        paper=paper,
        headline=False,
        mri_only=mri_only,
    )


SPECTRUM = _metric(
    "spectrum", "Radial power spectrum", "dB", "down", spectrum, "Durall et al. 2020, arXiv:2003.01826"
)
HISTOGRAM = _metric(
    "histogram",
    "Histogram, 1-Wasserstein",
    "grey levels",
    "down",
    histogram,
    "Vallender 1974, doi:10.1137/1118101",
)
OFFSET = _metric(
    "background_offset",
    "Background level, generated minus real",
    "grey levels",
    "zero",
    background_offset,
    "Gudbjartsson & Patz 1995, doi:10.1002/mrm.1910340618",
)
SIGMA = _metric(
    "background_sigma",
    "Rician noise in air, generated minus real",
    "grey levels",
    "zero",
    background_sigma,
    "Gudbjartsson & Patz 1995, doi:10.1002/mrm.1910340618",
    mri_only=True,
)
