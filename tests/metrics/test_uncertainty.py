"""Intervals: clustering widens them, their coverage is about 95 %, and block sums equal recomputation."""

from dataclasses import replace

import numpy as np
import pytest

from mribench.errors import InputError
from mribench.features.hc85 import HC85
from mribench.metrics.distribution import FD, KD, frechet, kernel_distance
from mribench.metrics.neighbours import COVERAGE, DENSITY, PRECISION, RECALL
from mribench.metrics.subsets import subset_statistic, with_subjects
from mribench.metrics.uncertainty import (
    _without_skewness,
    cluster_bootstrap_mean,
    mean_interval,
    mean_over_subjects,
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


WORLDS = {
    "normal": (lambda draw: draw, 0.0),
    "lognormal": (lambda draw: np.exp(draw / 2), np.exp(1 / 8)),
}


@pytest.mark.parametrize("n", [5, 10, 20, 100])
@pytest.mark.parametrize("world", WORLDS)
def test_the_interval_of_a_mean_covers_the_truth(world, n):
    """In 95 % of 1,500 worlds, give or take three standard errors and what few skewed values hide."""
    shape, truth = WORLDS[world]
    draws = shape(np.random.default_rng(n).standard_normal((1500, n)))
    assert 0.93 <= np.mean([low <= truth <= high for low, high in map(mean_interval, draws)]) <= 0.98


def test_a_bootstrap_of_five_subjects_does_not():
    draws = np.random.default_rng(0).standard_normal((300, 5))
    ends = [cluster_bootstrap_mean(draw, ids(5, 1), resamples=300)[1:] for draw in draws]
    assert np.mean([low <= 0 <= high for low, high in ends]) < 0.87


def test_without_skewness_it_is_students():
    stats = pytest.importorskip("scipy.stats")
    means = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert mean_interval(means) == pytest.approx(stats.ttest_1samp(means, 0).confidence_interval())
    skewed = np.array([1.0, 1.1, 1.2, 1.3, 5.0])
    student = stats.ttest_1samp(skewed, 0).confidence_interval()
    low, high = mean_interval(skewed)
    assert low == pytest.approx(student.low) and high > student.high + 0.5
    assert mean_interval(-skewed) == pytest.approx((-high, -low))


def test_the_transformation_is_halls():
    """Put through it, what was taken back comes out again."""
    n, g = 12, 1.4
    for step in (-0.6, 0.1, 0.6):
        x = _without_skewness(np.array([step]), g, n)[0]
        assert x + g * x**2 / 3 + g**2 * x**3 / 27 + g / (6 * n) == pytest.approx(step)


@pytest.mark.parametrize("means", [[0.99, 1.0, 0.97], [0.0, 0.0, 0.01], [0.5, 0.5, 0.5], [0.1, 0.9]], ids=str)
def test_an_interval_stays_in_the_range_and_holds_its_mean(means):
    mean, low, high = mean_over_subjects(np.array(means), ids(len(means), 1), (0.0, 1.0))
    assert 0.0 <= low <= mean + 1e-12 and mean - 1e-12 <= high <= 1.0
    unbounded = mean_interval(np.array(means))
    assert unbounded[0] <= low and high <= unbounded[1]


def test_one_subject_has_a_mean_and_no_interval():
    for of_means in (cluster_bootstrap_mean, mean_over_subjects):
        assert of_means(np.array([1.0, 3.0]), ["a", "a"]) == (2.0, None, None)


@pytest.mark.parametrize(
    ("values", "subjects"), [([], []), ([1.0], ["a", "b"]), ([1.0, np.nan], ["a", "b"])], ids=str
)
def test_values_without_a_subject_or_a_number_are_refused(values, subjects):
    with pytest.raises(InputError):
        cluster_bootstrap_mean(np.array(values), subjects)


def features(n, d=6, shift=0.0, seed=0):
    return shift + np.random.default_rng(seed).standard_normal((n, d))


def test_half_subsamples_of_kd_know_the_subjects():
    """In blocks they are what the metric gives on each of them, where subjects have unequal numbers of images."""
    g, r, train = features(40, shift=0.5, seed=1), features(45, seed=2), features(50, seed=3)
    subjects = np.repeat([f"s{i}" for i in range(9)], range(1, 10))
    in_g = np.random.default_rng(4).random((5, 40)).argsort(1) < 20
    halves = np.array([np.random.default_rng(i).permutation(9) < 4 for i in range(5)])
    in_r = halves[:, np.unique(subjects, return_inverse=True)[1]]
    expected = [
        kernel_distance(g[a], r[b], train, HC85, subjects[b]) for a, b in zip(in_g, in_r, strict=True)
    ]
    for metric in (KD, replace(KD, on_subsets=None)):
        statistic = subset_statistic(metric, g, r, train, HC85, reference_subjects=subjects)
        np.testing.assert_allclose(statistic(in_g, in_r), expected, rtol=1e-9)


def test_a_metric_of_four_arguments_is_given_no_subjects():
    """As plugins wrote them; and one that replaces the function of ``KD``."""

    def compute(generated, reference, train, space):
        return float(len(reference))

    metric = replace(KD, compute=compute, on_subsets=None)
    in_r = np.arange(8)[None] < 5
    statistic = subset_statistic(metric, features(6), features(8), None, CUBIC, reference_subjects=ids(4, 2))
    assert statistic(np.ones((1, 6), bool), in_r) == [5.0]
    assert with_subjects(metric, compute, ids(4, 2)) is compute
    assert with_subjects(metric, len, ids(4, 2)) is len
    assert with_subjects(KD, KD.compute, ids(4, 2)) is not KD.compute


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
