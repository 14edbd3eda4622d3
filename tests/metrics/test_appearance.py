"""Spectrum, histogram and background: against scipy, numpy and known noise."""

import numpy as np
import pytest

from mribench.errors import Unavailable
from mribench.metrics.appearance import HISTOGRAM, OFFSET, SIGMA, SPECTRUM

stats = pytest.importorskip("scipy.stats")
ALL = (SPECTRUM, HISTOGRAM, OFFSET, SIGMA)


def bodies(n, noise, seed=0, size=64):
    """Discs of 0.6 in air, with Rician noise of that standard deviation, in whole grey levels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size - 0.5
    disc = 0.6 * (np.hypot(x, y) < 0.3) * np.ones((n, 1, 1))
    real, imaginary = noise * rng.standard_normal((2, n, size, size))
    return np.rint(np.hypot(disc + real, imaginary).clip(0, 1) * 255) / 255


def subjects(n):
    return [str(i) for i in range(n)]


def test_histogram_distance_is_scipys():
    g, r = bodies(8, 0.02, 1), bodies(6, 0.01, 2) * 0.9
    r = np.rint(r * 255) / 255
    expected = stats.wasserstein_distance(g.ravel() * 255, r.ravel() * 255)
    assert HISTOGRAM.compute(g, r, subjects(6)) == pytest.approx(expected, rel=1e-9)


def test_a_brighter_image_lies_as_many_grey_levels_away():
    r = bodies(6, 0.01)
    assert HISTOGRAM.compute(r + 3 / 255, r, subjects(6)) == pytest.approx(3)


def test_doubled_contrast_is_six_decibels_in_every_ring():
    """White noise, whose power lies far above the constant under the logarithm; power goes with the square."""
    noise = np.random.default_rng(0).normal(0.5, 0.05, (20, 64, 64))
    found = SPECTRUM.compute(0.5 + 2 * (noise - 0.5), noise, subjects(20))
    # the mean grey value, which is in the first ring, is not doubled
    assert found == pytest.approx(20 * np.log10(2), abs=0.15)


@pytest.mark.parametrize("sigma", [2 / 255, 4 / 255])
def test_the_noise_that_was_added_is_found(sigma):
    masked = bodies(20, 0.0)
    found = SIGMA.compute(bodies(20, sigma, 1), masked, subjects(20))
    # the darkest half of the air was chosen, and grey levels are whole
    assert found == pytest.approx(sigma * 255, rel=0.1)
    level = OFFSET.compute(bodies(20, sigma, 1), masked, subjects(20))
    assert level == pytest.approx(sigma * 255 * np.sqrt(np.pi / 2), rel=0.1)


def test_what_is_found_too_little_by_choosing_the_darkest_cancels():
    sigma, masked = 4 / 255, bodies(40, 0.0)
    first, second = bodies(40, sigma, 1), bodies(40, sigma, 2)
    assert SIGMA.compute(first, masked, subjects(40)) < 0.98 * sigma * 255
    assert SIGMA.compute(first, second, subjects(40)) == pytest.approx(0, abs=0.005 * sigma * 255)


def test_an_even_background_is_an_offset_and_no_noise():
    masked = bodies(10, 0.0)
    lifted = np.maximum(masked, 2 / 255)
    assert OFFSET.compute(lifted, masked, subjects(10)) == pytest.approx(2)
    assert SIGMA.compute(lifted, masked, subjects(10)) == pytest.approx(0, abs=1e-9)
    # the other way round the sign turns
    assert OFFSET.compute(masked, lifted, subjects(10)) == pytest.approx(-2)


def test_images_without_air_have_no_background():
    full = np.full((4, 64, 64), 0.5)
    with pytest.raises(Unavailable, match="is air"):
        SIGMA.compute(full, full, subjects(4))


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_degenerate_sets_are_exact(metric):
    r = bodies(5, 0.01)
    assert metric.compute(r, r, subjects(5)) == 0
    assert metric.compute(r[:1], r[:1], ["a"]) == 0
    black = np.zeros((3, 64, 64))
    assert metric.compute(black, black, subjects(3)) == 0


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_on_subsets_it_is_the_metric_on_the_subset(metric):
    g, r = bodies(12, 0.02, 1), bodies(10, 0.01, 2)
    rng = np.random.default_rng(0)
    in_g, in_r = rng.random((3, 12)).argsort(1) < 6, rng.random((3, 10)).argsort(1) < 5
    found = metric.on_subsets(g, r, subjects(10))(in_g, in_r)
    # the share of air is that of the whole reference, which is the same for all of these discs
    expected = [metric.compute(g[a], r[b], subjects(5)) for a, b in zip(in_g, in_r, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_only_the_noise_asks_for_mri():
    assert [metric.mri_only for metric in ALL] == [False, False, False, True]
