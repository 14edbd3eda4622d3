"""Intervals: clustering widens them, their coverage is about 95 %, and block sums equal recomputation."""

from dataclasses import replace

import numpy as np
import pytest

from mribench.errors import InputError
from mribench.features.hc85 import HC85
from mribench.metrics.distribution import FD, KD, frechet, kernel_distance
from mribench.metrics.neighbours import COVERAGE, DENSITY, PRECISION, RECALL
from mribench.metrics.subsets import subset_statistic
from mribench.metrics.uncertainty import (
    cluster_bootstrap_mean,
    round_for_record,
    subsample_interval,
    subsamples,
)

CUBIC = replace(HC85, name="cubic", kernel="cubic")

FOUR = PRECISION, RECALL, DENSITY, COVERAGE


def ids(subjects, images):
    return [f"s{i}" for i in range(subjects) for _ in range(images)]


def test_subjects_weigh_the_same_however_many_images_they_have():
    mean, low, high = cluster_bootstrap_mean(np.array([0.0, 0.0, 0.0, 1.0]), ["a", "a", "a", "b"])
    assert mean == 0.5
    assert (low, high) == (0.0, 1.0)


def test_clustering_widens_the_interval():
    rng = np.random.default_rng(0)
    values = np.repeat(rng.standard_normal(12), 10) + 0.1 * rng.standard_normal(120)
    _, low, high = cluster_bootstrap_mean(values, ids(12, 10))
    _, naive_low, naive_high = cluster_bootstrap_mean(values, ids(120, 1))
    assert high - low > 2 * (naive_high - naive_low)


def test_bootstrap_is_seeded_and_ignores_the_order():
    values, subjects = np.random.default_rng(0).random(40), ids(8, 5)
    order = np.random.default_rng(1).permutation(40)
    first = cluster_bootstrap_mean(values, subjects, seed=3)
    assert first == pytest.approx(cluster_bootstrap_mean(values[order], np.array(subjects)[order], seed=3))
    assert first != cluster_bootstrap_mean(values, subjects, seed=4)


def test_bootstrap_covers_the_truth():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        values = np.repeat(rng.standard_normal(30), 3) + rng.standard_normal(90)
        _, low, high = cluster_bootstrap_mean(values, ids(30, 3), resamples=500, seed=seed)
        hits += low <= 0 <= high
    assert 0.89 <= hits / 200 <= 0.99


def test_one_subject_has_a_mean_and_no_interval():
    assert cluster_bootstrap_mean(np.array([1.0, 3.0]), ["a", "a"]) == (2.0, None, None)


@pytest.mark.parametrize(
    ("values", "subjects"), [([], []), ([1.0], ["a", "b"]), ([1.0, np.nan], ["a", "b"])], ids=str
)
def test_values_without_a_subject_or_a_number_are_refused(values, subjects):
    with pytest.raises(InputError):
        cluster_bootstrap_mean(np.array(values), subjects)


def features(n, d=6, shift=0.0, seed=0):
    return shift + np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize("metric", [KD, FD, *FOUR], ids=lambda metric: metric.name)
def test_subset_statistic_is_the_metric_on_the_subset(metric):
    g, r, train = features(40, shift=0.5, seed=1), features(30, seed=2), features(50, seed=3)
    rng = np.random.default_rng(4)
    in_g, in_r = rng.random((5, 40)).argsort(1) < 20, rng.random((5, 30)).argsort(1) < 17
    # as many of both: of unequal sets the neighbour metrics draw
    g, in_g = g[:30], np.roll(in_r, 1, axis=1)
    expected = [metric.compute(g[a], r[b], train, HC85) for a, b in zip(in_g, in_r, strict=True)]
    np.testing.assert_allclose(subset_statistic(metric, g, r, train, HC85)(in_g, in_r), expected, rtol=1e-9)


def interval(g, r, train, subjects, seed=0):
    statistic = subset_statistic(KD, g, r, train, HC85)
    return subsample_interval(statistic, len(g), subjects, seed=seed)


def test_interval_holds_the_value_and_is_seeded():
    g, r, train = features(60, shift=0.5, seed=1), features(60, seed=2), features(50, seed=3)
    low, high = interval(g, r, train, ids(12, 5))
    assert low < kernel_distance(g, r, train, HC85) < high
    assert (low, high) == interval(g, r, train, ids(12, 5))
    assert (low, high) != interval(g, r, train, ids(12, 5), seed=1)


def test_interval_widens_when_images_share_subjects():
    rng = np.random.default_rng(0)
    r = np.repeat(rng.standard_normal((12, 6)), 5, axis=0) + 0.1 * rng.standard_normal((60, 6))
    g, train = features(60, shift=1.0, seed=1), features(50, seed=3)
    low, high = interval(g, r, train, ids(12, 5))
    naive_low, naive_high = interval(g, r, train, ids(60, 1))
    assert high - low > 1.3 * (naive_high - naive_low)


def test_interval_covers_the_truth():
    """A mean of clustered images, whose truth is known: sqrt(m / n) as the scale would cover 79 %."""
    rng = np.random.default_rng(1)
    subjects = ids(20, 5)
    hits = 0
    for seed in range(200):
        a = rng.standard_normal(100) + 0.5
        b = np.repeat(rng.standard_normal(20), 5) + 0.3 * rng.standard_normal(100)
        sums = lambda in_a, in_b, a=a, b=b: (in_a @ a) / in_a.sum(1) - (in_b @ b) / in_b.sum(1)  # noqa: E731
        low, high = subsample_interval(sums, 100, subjects, seed=seed)
        hits += low <= 0.5 <= high
    assert 0.87 <= hits / 200 <= 0.99


def test_three_subjects_have_no_interval():
    g = features(30)
    assert interval(g, g, g, ids(3, 10)) == (None, None)


def test_a_naive_bootstrap_of_the_frechet_distance_is_biased_upwards_by_half():
    """Two sets of one distribution: duplicates shrink the covariances, and the whole interval leaves the value."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 200, 64))
    value = frechet(a, b)
    naive = [frechet(a[rng.integers(0, 200, 200)], b[rng.integers(0, 200, 200)]) for _ in range(40)]
    assert np.mean(naive) > 1.5 * value and np.percentile(naive, 2.5) > value
    statistic = subset_statistic(FD, a, b, a, CUBIC)
    low, high = subsample_interval(statistic, 200, ids(40, 5), resamples=40)
    assert low < value < high


def test_subsamples_of_two_models_are_of_the_same_subjects():
    rng = np.random.default_rng(0)
    effect = rng.standard_normal(60)
    of_reference = lambda in_g, in_r: (in_r @ effect) / in_r.sum(1)  # noqa: E731
    # whatever a model generates, and however many images
    one, other = (subsamples(of_reference, n, ids(12, 5)) for n in (60, 33))
    assert (one == other).all() and one.std() > 0


def test_what_a_record_keeps_of_many_numbers():
    assert round_for_record(np.array([1.23456789, -1e-7, 100000.4])) == (1.2346, -1e-07, 100000.0)
    assert round_for_record(np.array([1.0, np.nan])) == () and round_for_record(None) == ()
