"""95 % intervals over subjects: images of one subject are not independent, so the subject is the unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mribench.errors import InputError
from mribench.metrics.significance import student_quantile, subsample_scale

# raised when an interval changes: the comparability key carries it
VERSION = 3
PERCENTILES = (2.5, 97.5)
FEWEST_FOR_MEAN = 2
FEWEST_TO_SUBSAMPLE = 4
UNBOUNDED = (-np.inf, np.inf)

Interval = tuple[float, float] | tuple[None, None]
SubsetStatistic = Callable[[np.ndarray, np.ndarray], np.ndarray]


def subject_means(values: np.ndarray, subjects: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Mean of (N,) per-image values within each subject: (sorted names (S,), float64 means (S,)).

    ``InputError``: no values, not as many subjects as values, or a value that is not finite.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) != len(subjects) or len(values) == 0:
        raise InputError(
            f"{values.shape} values came with {len(subjects)} subject ids: give one id per image."
        )
    if not np.isfinite(values).all():
        raise InputError(
            f"{(~np.isfinite(values)).sum()} of {len(values)} values are not finite: leave them blank."
        )
    names, which = np.unique(np.asarray(subjects), return_inverse=True)
    return names, np.bincount(which, values) / np.bincount(which)


def mean_over_subjects(
    values: np.ndarray, subjects: Sequence[str], bounds: tuple[float, float] = UNBOUNDED
) -> tuple[float, float | None, float | None]:
    """Mean over subjects of the subject means, and its 95 % interval: (mean, low, high).

    values: (N,) per image; subjects: N ids; bounds: what the metric can be. ``mean_interval`` gives the interval. One
    subject has none: None. ``InputError`` as ``subject_means``.
    """
    _, means = subject_means(values, subjects)
    return float(means.mean()), *mean_interval(means, bounds)


def mean_interval(means: np.ndarray, bounds: tuple[float, float] = UNBOUNDED) -> Interval:
    """95 % interval of the mean of float64 (n,) independent values: (low, high); (None, None) of fewer than two.

    Each end is the farther one of two intervals: Student's t, which covers where values are about normal; and t after
    the cubic transformation that takes the skewness out of the t statistic (Hall 1992,
    doi:10.1111/j.2517-6161.1992.tb01875.x), without which the mean of skewed errors lies above the interval in too many
    worlds. An end beyond ``bounds`` is moved there. How often they cover: ``mribench coverage``.
    """
    n = len(means)
    if n < FEWEST_FOR_MEAN:
        return None, None
    mean, spread = means.mean(), means.std(ddof=1)
    quantile = student_quantile(n - 1) / np.sqrt(n)
    steps = np.array([quantile, -quantile])
    # values that differ by rounding alone have no shape
    if n > 2 and spread > 1e-12 * np.abs(means).max():
        skewness = np.sqrt(n * (n - 1)) / (n - 2) * np.mean(((means - mean) / means.std()) ** 3)
        transformed = _without_skewness(steps, skewness, n)
        steps = np.array([max(steps[0], transformed[0]), min(steps[1], transformed[1])])
    low, high = (mean - spread * steps).clip(*bounds)
    return float(low), float(high)


def _without_skewness(steps: np.ndarray, skewness: float, n: int) -> np.ndarray:
    """Inverse of Hall's transformation x + g x^2 / 3 + g^2 x^3 / 27 + g / 6 n of a t statistic over sqrt(n)."""
    if abs(skewness) < 1e-6:
        return steps
    return 3 / skewness * (np.cbrt(1 + skewness * (steps - skewness / (6 * n))) - 1)


def cluster_bootstrap_mean(
    values: np.ndarray, subjects: Sequence[str], resamples: int = 2000, seed: int = 0
) -> tuple[float, float | None, float | None]:
    """Mean over subjects of the subject means, and its 95 % percentile interval: (mean, low, high).

    Kept for plugins: it is too narrow with few subjects, where ``mean_over_subjects`` is not.
    values: (N,) per image; subjects: N ids. Subjects are drawn with replacement (Efron & Tibshirani 1993, ch.
    13; the cluster bootstrap of Field & Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x). One subject has no
    interval: None. ``InputError`` as ``subject_means``.
    """
    _, means = subject_means(values, subjects)
    if len(means) < FEWEST_FOR_MEAN:
        return float(means.mean()), None, None
    drawn = np.random.default_rng(seed).integers(0, len(means), (resamples, len(means)))
    low, high = np.percentile(means[drawn].mean(1), PERCENTILES)
    return float(means.mean()), float(low), float(high)


def subsamples(
    statistic: SubsetStatistic,
    n_generated: int,
    reference_subjects: Sequence[str],
    resamples: int = 200,
    seed: int = 0,
) -> np.ndarray | None:
    """A distribution metric on half-subsamples without replacement: float64 (resamples,).

    statistic(in_generated, in_reference) -> float64 (B,) from bool (B, n_generated) and (B, n_reference), as
    ``subsets.subset_statistic`` makes it. Each resample keeps half of the reference's subjects, with all
    their images, and the same share of the generated images. A bootstrap would not do: duplicates enter the
    kernel matrix off its diagonal and bias the distance upwards. The subjects of resample b depend on the
    reference and the seed alone, so two models are compared on the same subjects. None with fewer than four subjects,
    or where the metric has no number on one of the subsets.
    """
    names, which = np.unique(np.asarray(reference_subjects), return_inverse=True)
    if len(names) < FEWEST_TO_SUBSAMPLE:
        return None
    n_kept = len(names) // 2
    rng = np.random.default_rng(seed)
    in_reference = _random_subsets(rng, resamples, len(names), n_kept)[:, which]
    # drawn after the reference's, which so depend on no number of generated images
    in_generated = _random_subsets(rng, resamples, n_generated, max(2, n_generated * n_kept // len(names)))
    drawn = statistic(in_generated, in_reference)
    return drawn if np.isfinite(drawn).all() else None


def interval_around(
    value: float, drawn: np.ndarray | None, subjects: int, bounds: tuple[float, float] = UNBOUNDED
) -> Interval:
    """95 % interval of a distribution metric from its ``subsamples``: (low, high).

    Deviations from the mean over resamples are scaled by ``subsample_scale`` and put around the full-sample value.
    Near the noise floor the distance is degenerate and the interval is only indicative. An end beyond what the metric
    can be (``bounds``) is moved there. (None, None) without subsamples.
    """
    if drawn is None:
        return None, None
    # a deviation of the subsample to one side says that the truth may lie on the other
    deviations = np.percentile(drawn - drawn.mean(), PERCENTILES[::-1])
    low, high = (value - subsample_scale(subjects) * deviations).clip(*bounds)
    return float(low), float(high)


def subsample_interval(
    statistic: SubsetStatistic,
    n_generated: int,
    reference_subjects: Sequence[str],
    resamples: int = 200,
    seed: int = 0,
) -> Interval:
    """``interval_around`` the value on all images, by ``subsamples``: (low, high); (None, None) below four subjects."""
    drawn = subsamples(statistic, n_generated, reference_subjects, resamples, seed)
    if drawn is None:
        return None, None
    everything = np.ones((1, n_generated), bool), np.ones((1, len(reference_subjects)), bool)
    return interval_around(statistic(*everything)[0], drawn, len(set(reference_subjects)))


def round_for_record(values: np.ndarray | None) -> tuple[float, ...]:
    """Five significant digits of each value; () where there are none or one is not finite."""
    if values is None or not np.isfinite(values).all():
        return ()
    return tuple(float(f"{value:.5g}") for value in values)


def _random_subsets(rng: np.random.Generator, rows: int, n: int, size: int) -> np.ndarray:
    """bool (rows, n), each row with exactly ``size`` true."""
    return rng.random((rows, n)).argsort(1) < size
