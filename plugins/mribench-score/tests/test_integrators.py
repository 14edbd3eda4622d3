"""Each integrator against distributions whose denoiser is known in closed form."""

import numpy as np
import pytest
import torch
from mribench_score.integrators import ANCESTRAL, CHURN, EULER, HEUN, LANGEVIN, PREDICTOR_CORRECTOR
from mribench_score.multistep import DEIS, PNDM
from mribench_score.stochastic import ANALYTIC, DDIM_ETA, analytic, ddim_eta

from mribench.testing import conforms

test_deis = conforms("samplers", "deis")
test_pndm = conforms("samplers", "pndm")
test_ddim_eta = conforms("samplers", "ddim-eta")
test_analytic = conforms("samplers", "analytic-dpm")
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
        (DEIS, 30, 0.02),
        (PNDM, 50, 0.02),
        (DDIM_ETA, 200, 0.02),
        (ANALYTIC, 200, 0.03),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_mixture_is_drawn_with_its_covariance_and_its_weights(integrator, steps, largest):
    points, _ = drawn(integrator, steps)
    assert np.abs(np.cov(points.T.numpy()) - COVARIANCE).max() < largest
    assert (points[:, 0] > -0.2).float().mean().item() == pytest.approx(0.7, abs=0.02)


class Gaussian(Mixture):
    """D(x; sigma) of N(0, WIDTH^2), pixels independent."""

    def __call__(self, x, sigma):
        self.nfe += 1
        return x * WIDTH**2 / (WIDTH**2 + sigma**2)


# a first step of Euler leaves the multistep methods the second order, however many slopes they take later
@pytest.mark.parametrize(
    ("integrator", "order", "largest"),
    [(EULER, 1, 1e-3), (HEUN, 2, 2e-5), (PNDM, 2, 5e-6), (DEIS, 2, 5e-7)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_halving_the_steps_of_a_smooth_problem_divides_the_error_by_two_to_the_order(
    integrator, order, largest
):
    def error(steps):
        sigmas = (np.linspace(2.0 ** (1 / 7), 0.1 ** (1 / 7), steps + 1) ** 7).tolist()
        x = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        exact = np.sqrt((WIDTH**2 + 0.1**2) / (WIDTH**2 + 2.0**2))
        return abs(integrator.integrate(Gaussian(), x, sigmas, None).item() - exact)

    assert np.log2(error(100) / error(200)) == pytest.approx(order, abs=0.15)
    assert error(100) < largest


def test_eta_runs_from_the_ode_to_the_ancestral_chain():
    sigmas = levels(20)
    x = sigmas[0] * Draws().normal(2, 1, 1)
    for eta, same in ((0.0, EULER), (1.0, ANCESTRAL)):
        found = ddim_eta(Mixture(), x, sigmas, Draws(1), eta)
        assert torch.allclose(found, same.integrate(Mixture(), x, sigmas, Draws(1)), atol=1e-4)
    assert DDIM_ETA.integrate is ddim_eta


class ImageDraws(Draws):
    """Images of 64 x 64 pixels."""

    def normal(self, *shape):
        return torch.randn(8, *shape, generator=self.generator)


def test_the_analytic_variance_is_exact_for_a_gaussian_where_that_of_ddpm_is_too_small():
    """Ten levels: beta-tilde, which knows nothing of what is unknown of x_0, draws images of too small a variance."""
    sigmas, draws = levels(10), ImageDraws()
    x = sigmas[0] * draws.normal(1, 64, 64)
    exact = analytic(Gaussian(), x, sigmas, ImageDraws(1)).std().item()
    smaller = ANCESTRAL.integrate(Gaussian(), x, sigmas, ImageDraws(1)).std().item()
    assert exact == pytest.approx(WIDTH, rel=0.02)
    assert smaller < 0.7 * WIDTH


@pytest.mark.parametrize(
    ("integrator", "steps", "rmse"), [(EULER, 50, 0.025), (EULER, 1000, 0.0013), (HEUN, 50, 1.5e-4)]
)
def test_inversion_and_back_is_the_identity_as_far_as_the_steps_go(integrator, steps, rmse):
    """DDIM inversion: along ascending levels a point is encoded, along the same descending ones decoded."""
    x = WIDTH * torch.randn(500, 2, 1, 1, generator=torch.Generator().manual_seed(1))
    sigmas = levels(steps)[:-1]
    code = integrator.integrate(Gaussian(), x, sigmas[::-1], None)
    assert code.std().item() / sigmas[0] == pytest.approx(1, abs=0.05)
    back = integrator.integrate(Gaussian(), code, sigmas, None)
    assert (back - x).square().mean().sqrt().item() == pytest.approx(rmse, rel=0.1)


def test_heun_takes_two_evaluations_a_level_but_the_last():
    assert drawn(HEUN, 10)[1] == 19 and drawn(EULER, 10)[1] == 10
