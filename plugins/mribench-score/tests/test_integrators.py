"""Each integrator against distributions whose denoiser is known in closed form."""

import numpy as np
import pytest
import torch
from mribench_score.integrators import ANCESTRAL, CHURN, EULER, HEUN, LANGEVIN, PREDICTOR_CORRECTOR

from mribench.testing import conforms

test_euler = conforms("samplers", "euler")
test_heun = conforms("samplers", "heun")
test_churn = conforms("samplers", "churn")
test_ancestral = conforms("samplers", "ancestral")
test_langevin = conforms("samplers", "langevin")
test_predictor_corrector = conforms("samplers", "predictor-corrector")

N = 20_000
MEANS = torch.tensor([[-1.0, -0.5], [0.6, 0.8]])
WEIGHTS = torch.tensor([0.3, 0.7])
WIDTH = 0.2  # standard deviation of both modes
COVARIANCE = np.cov(MEANS.T.numpy(), aweights=WEIGHTS.numpy(), ddof=0) + WIDTH**2 * np.eye(2)
LEVELS = (0.002, 80.0)


class Mixture:
    """D(x; sigma) of two Gaussian modes, points as images (N, 2, 1, 1)."""

    sigmas, nfe = LEVELS, 0

    def __call__(self, x, sigma):
        self.nfe += 1
        variance = WIDTH**2 + sigma**2
        away = x[:, None, :, 0, 0] - MEANS
        share = torch.softmax(WEIGHTS.log() - away.square().sum(2) / (2 * variance), dim=1)
        means = MEANS + WIDTH**2 / variance * away
        return (share[..., None] * means).sum(1)[:, :, None, None]


class Draws:
    def __init__(self, seed=0):
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape):
        return torch.randn(N, *shape, generator=self.generator)


def levels(steps):
    roots = np.linspace(LEVELS[1] ** (1 / 7), LEVELS[0] ** (1 / 7), steps)
    return [*(roots**7).tolist(), 0.0]


def drawn(integrator, steps):
    """(N, 2) points, and the evaluations spent."""
    denoise, draws, sigmas = Mixture(), Draws(), levels(steps)
    x = sigmas[0] * draws.normal(2, 1, 1)
    return integrator.integrate(denoise, x, sigmas, draws)[:, :, 0, 0], denoise.nfe


# largest error of the covariance: about 0.012 (two standard errors) is the noise of 20,000 draws
@pytest.mark.parametrize(
    ("integrator", "steps", "largest"),
    [
        (EULER, 200, 0.02),
        (HEUN, 50, 0.02),
        (CHURN, 100, 0.02),
        (ANCESTRAL, 200, 0.02),
        (LANGEVIN, 600, 0.03),
        (PREDICTOR_CORRECTOR, 200, 0.02),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_mixture_is_drawn_with_its_covariance_and_its_weights(integrator, steps, largest):
    points, _ = drawn(integrator, steps)
    assert np.abs(np.cov(points.T.numpy()) - COVARIANCE).max() < largest
    assert (points[:, 0] > -0.2).float().mean().item() == pytest.approx(0.7, abs=0.02)


def test_euler_is_of_first_and_heun_of_second_order():
    """Halving the steps of a smooth Gaussian problem divides the error by 2 and by 4."""

    class Gaussian(Mixture):
        def __call__(self, x, sigma):
            return x * WIDTH**2 / (WIDTH**2 + sigma**2)

    def error(integrator, steps):
        sigmas = np.linspace(2.0, 0.1, steps + 1).tolist()
        x = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        exact = np.sqrt((WIDTH**2 + 0.1**2) / (WIDTH**2 + 2.0**2))
        return abs(integrator.integrate(Gaussian(), x, sigmas, None).item() - exact)

    assert error(EULER, 200) / error(EULER, 400) == pytest.approx(2, rel=0.1)
    assert error(HEUN, 200) / error(HEUN, 400) == pytest.approx(4, rel=0.1)


def test_heun_takes_two_evaluations_a_level_but_the_last():
    assert drawn(HEUN, 10)[1] == 19 and drawn(EULER, 10)[1] == 10
