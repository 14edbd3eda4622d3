"""Calibration of several answers against draws whose spread is known, and sharpness against the truth's."""

import numpy as np
import pytest

from mribench.errors import Unavailable
from mribench.metrics.posterior import COVERAGE_GAP_50, COVERAGE_GAP_90, OVERCONFIDENCE, RESIDUAL
from mribench.metrics.sharpness import SHARPNESS
from mribench.variants.controls import moving_average

N, K, SIDE, SPREAD = 8, 4, 64, 0.05


def draws(error=1.0):
    """(answers, truth, residuals): four answers around a centre, and a truth that is so much farther from it."""
    rng = np.random.default_rng(0)
    centre = rng.uniform(0.4, 0.6, (N, SIDE, SIDE))
    answers = centre[:, None] + SPREAD * rng.standard_normal((N, K, SIDE, SIDE))
    return answers, centre + error * SPREAD * rng.standard_normal(centre.shape), np.full((N, K), error)


@pytest.mark.parametrize("metric", [COVERAGE_GAP_50, COVERAGE_GAP_90], ids=lambda metric: metric.name)
def test_draws_of_the_posterior_cover_the_truth_as_often_as_they_say(metric):
    """Half a grey level on either side adds a little."""
    assert 0 <= metric.compute(*draws()).mean() < 0.03


def test_intervals_that_are_too_narrow_cover_less():
    assert COVERAGE_GAP_90.compute(*draws(error=3.0)).mean() < -0.15


@pytest.mark.parametrize("error", [0.5, 1.0, 2.0])
def test_overconfidence_is_the_logarithm_of_error_over_what_the_spread_foretells(error):
    """The mean of K answers errs with the variance error^2 + 1 / K, and 1 + 1 / K is foretold."""
    found = OVERCONFIDENCE.compute(*draws(error))
    assert found.mean() == pytest.approx(0.5 * np.log2((error**2 + 1 / K) / (1 + 1 / K)), abs=0.03)


def test_one_answer_has_no_spread():
    answers, truth, residuals = draws()
    for metric in (COVERAGE_GAP_90, OVERCONFIDENCE):
        with pytest.raises(Unavailable, match="one answer to a measurement has no spread"):
            metric.compute(answers[:, :1], truth, residuals[:, :1])


def test_a_residual_of_twice_the_noise_is_one():
    assert (RESIDUAL.compute(*draws(error=2.0)) == 1).all()


def test_a_blurred_image_is_less_sharp_and_a_noisy_one_more():
    _, truth, _ = draws()
    noise = 0.1 * np.random.default_rng(1).standard_normal(truth.shape)
    assert (SHARPNESS.compute(moving_average(truth).clip(0, 1), truth) < -1).all()
    assert (SHARPNESS.compute((truth + noise).clip(0, 1), truth) > 0.5).all()
    assert np.allclose(SHARPNESS.compute(truth, truth), 0)
