"""Noise floor of a metric on two sets: the score of real images in a model's place, on the same test subjects.

There are two: the real training images, which no model can be asked to surpass, as they are other subjects than those
of test; and one half of the test subjects against the other half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mribench.errors import Unavailable
from mribench.features import Extractor
from mribench.metrics.distribution import least_images
from mribench.metrics.subsets import resamples, subset_statistic, with_subjects
from mribench.metrics.uncertainty import (
    FEWEST_TO_SUBSAMPLE,
    PERCENTILES,
    interval_around,
    round_for_record,
    subsamples,
)
from mribench.seeds import numpy_rng
from mribench.spec import Metric, Prepared, Split

VERSION = 1
HALVINGS = 20


def noise_floor(
    metric: Metric, space: str | None, data: Prepared, n: int, extract: Extractor
) -> dict[str, Any]:
    """Scores of real training images, and of one half of the test subjects against the other.

    Args:
        metric: of two sets of features or images.
        space: feature space, None for a metric on images.
        data: the prepared set.
        n: how many images a model gives. Of more training images as many are drawn, because the bias of a Fréchet
            distance depends on their number.
        extract: features by space.

    Returns:
        ``train_test`` with its interval (``train_low``, ``train_high``) and ``subsamples``; ``half_mean`` with the 95 %
        band of single halvings (``half_low``, ``half_high``), the score of noise alone: unbiased for a kernel distance,
        too high for a Fréchet distance, as halves are smaller. ``n``, ``n_reference``, ``n_half``: images. ``splits``:
        halvings. ``reason``: why a number is None.
    """
    chosen = _sample(data.train, n)
    floor: dict[str, Any] = {"n": len(chosen), "n_reference": len(data.test), "splits": HALVINGS}
    blank = dict.fromkeys(("train_test", "train_low", "train_high", "half_mean", "half_low", "half_high"))
    floor |= blank | {"subsamples": "", "n_half": len(data.test) // 2}
    try:
        train, test, context = _inputs(metric, space, data, min(floor["n"], floor["n_reference"]), extract)
        # in a model's place: of its images no subjects are known
        compute = with_subjects(metric, metric.compute, data.test.subjects)
        value = compute(train[chosen], test, *context) * metric.scale
    except Unavailable as reason:
        return floor | {"reason": str(reason)}
    try:
        floor["train_test"] = float(value)
        statistic = subset_statistic(
            metric, train[chosen], test, *context, reference_subjects=data.test.subjects
        )
        drawn = subsamples(statistic, len(chosen), data.test.subjects, resamples(metric, test))
        drawn = None if drawn is None else drawn * metric.scale
        floor["train_low"], floor["train_high"] = interval_around(
            value, drawn, data.test.n_subjects, metric.range
        )
        floor["subsamples"] = " ".join(map(repr, round_for_record(drawn)))
        halves = _halves(metric, test, context, data.test.subjects)
    except Unavailable as reason:
        # all test images may be enough, and half of them too few
        return floor | {"reason": f"no halves: {reason}"}
    band = np.percentile(halves, PERCENTILES)
    return floor | {
        "half_mean": float(halves.mean()),
        "half_low": float(band[0]),
        "half_high": float(band[1]),
    }


def _sample(train: Split, n: int) -> np.ndarray:
    """Indices of at most n training images, seeded."""
    if len(train) <= n:
        return np.arange(len(train))
    return np.sort(numpy_rng("floor", "train").permutation(len(train))[:n])


def _inputs(
    metric: Metric, space: str | None, data: Prepared, n: int, extract: Extractor
) -> tuple[np.ndarray, np.ndarray, tuple[Any, ...]]:
    """Training and test images or their features, and the further arguments of the metric."""
    if metric.mri_only and not data.is_mri:
        raise Unavailable("the images are not MRI")
    if space is None:
        return data.train.unit(), data.test.unit(), (data.test.subjects,)
    feature_space = extract.spaces[space]
    if n < least_images(metric, feature_space):
        raise Unavailable(f"{n} images on a side are too few")
    train = extract(space, data.train.images)
    return train, extract(space, data.test.images), (train, feature_space)


def _halves(
    metric: Metric, test: np.ndarray, context: tuple[Any, ...], subjects: Sequence[str]
) -> np.ndarray:
    """The metric between two halves of the test subjects, for ``HALVINGS`` seeded halvings: float64 (HALVINGS,)."""
    names, which = np.unique(np.asarray(subjects), return_inverse=True)
    if len(names) < FEWEST_TO_SUBSAMPLE:
        raise Unavailable(
            f"{len(names)} test subjects are too few to halve: at least {FEWEST_TO_SUBSAMPLE} are needed"
        )
    values = []
    for halving in range(HALVINGS):
        first = numpy_rng("floor", "half", halving).permutation(len(names))[: len(names) // 2]
        mask = np.isin(which, first)
        ours, theirs = np.asarray(subjects)[mask], np.asarray(subjects)[~mask]
        compute = with_subjects(metric, metric.compute, theirs, ours)
        arguments = (theirs,) if metric.kind == "images" else context
        values.append(compute(test[mask], test[~mask], *arguments) * metric.scale)
    return np.array(values)
