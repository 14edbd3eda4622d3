"""Solvers on a linear-Gaussian problem, whose posterior and whose recursions are known in closed form.

Images of 3 times 4 pixels, 6 measurements, noise 0.1.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from mribench_inverse.solvers import (
    ccdf,
    dds,
    diffpir,
    dps,
    langevin,
    moment,
    pigdm,
    pnp,
    repaint,
    replacement,
)
from mribench_inverse.steps import fine_levels, geometric, noise_levels

from mribench.seeds import torch_generator
from mribench.spec import Measurement
from mribench.training.draws import BatchDraws

SHAPE, SIGMA = (3, 4), 0.1


class Matrix:
    """A as a matrix, float32 (m, H W)."""

    def __init__(self, matrix):
        self.matrix = matrix

    def __call__(self, x):
        return x.flatten(1) @ self.matrix.T

    def adjoint(self, y):
        return (y @ self.matrix).view(-1, 1, *SHAPE)


class GaussianDenoiser:
    """D(x; sigma) of the prior N(mean, covariance)."""

    def __init__(self, mean, covariance):
        self.mean, self.covariance, self.nfe, self.sigmas = mean, covariance, 0, (1e-3, 100.0)
        self._gain = lru_cache(self._gain)

    def __call__(self, x, sigma):
        self.nfe += 1
        return (self.mean + (x.flatten(1) - self.mean) @ self._gain(sigma)).view(x.shape)

    def _gain(self, sigma):
        eye = torch.eye(len(self.covariance))
        return torch.linalg.solve(self.covariance + sigma**2 * eye, self.covariance)  # symmetric


def draws_of(n):
    return BatchDraws(torch_generator("test"), n, slice(None))


class Problem:
    """The prior, one measurement repeated n times, and the posterior's mean and covariance."""

    def __init__(self, n):
        rng = np.random.default_rng(0)
        d, m = SHAPE[0] * SHAPE[1], 6
        root = rng.standard_normal((d, d)) / np.sqrt(d)
        covariance = torch.tensor(0.06 * (root @ root.T) + 0.003 * np.eye(d), dtype=torch.float32)
        mean = torch.tensor(rng.uniform(0.3, 0.7, d), dtype=torch.float32)
        A = torch.tensor(rng.standard_normal((m, d)) / np.sqrt(d), dtype=torch.float32)
        truth = mean + torch.linalg.cholesky(covariance) @ torch.tensor(rng.standard_normal(d)).float()
        y = A @ truth + SIGMA * torch.tensor(rng.standard_normal(m)).float()
        gain = torch.linalg.solve(A @ covariance @ A.T + SIGMA**2 * torch.eye(m), A @ covariance).T
        self.mean, self.covariance = mean + gain @ (y - A @ mean), covariance - gain @ A @ covariance
        self.measurement = Measurement(y.repeat(n, 1), Matrix(A), SIGMA, SHAPE)
        self.denoiser, self.draws = GaussianDenoiser(mean, covariance), draws_of(n)


def errors(x, problem):
    """Largest error of the mean in posterior standard deviations, and each axis's variance over the posterior's."""
    x = x.detach().flatten(1)
    values, axes = torch.linalg.eigh(problem.covariance)
    centred = (x - problem.mean) @ axes
    return (centred.mean(0) / values.sqrt()).abs().max(), centred.var(0) / values


def test_moment_matching_draws_from_the_posterior():
    problem = Problem(4000)
    x = moment.solve(problem.denoiser, problem.measurement, problem.draws, steps=200, cg_steps=12)
    mean, variance = errors(x, problem)
    assert mean < 0.08  # 4,000 draws: 0.016 is one standard error
    assert variance.min() > 0.85 and variance.max() < 1.1


def test_fine_levels_begin_in_noise_and_are_where_an_image_shows():
    levels = fine_levels(Problem(1).denoiser, 20)
    assert (
        len(levels) == 21
        and levels[0] == pytest.approx(20)
        and levels[1] == pytest.approx(3)
        and levels[-1] == 0
    )
    assert all(a > b for a, b in pairwise(levels))


def test_langevin_dynamics_draw_from_the_posterior():
    problem = Problem(2000)
    x = langevin.solve(problem.denoiser, problem.measurement, problem.draws, levels=60, repeats=100, step=0.5)
    mean, variance = errors(x, problem)
    assert mean < 0.12  # 2,000 draws: 0.022 is one standard error
    assert variance.min() > 0.85 and variance.max() < 1.15


class Quiet:
    """No fresh noise: what is left of a solver is its recursion of the mean."""

    def __init__(self, start):
        self.start, self.calls = start, 0

    def normal(self, *shape):
        self.calls += 1
        return self.start if self.calls == 1 else torch.zeros_like(self.start)


def linear(problem):
    """(A, y, mean and covariance of the prior) as matrices in float64."""
    m = problem.measurement
    return (
        m.operator.matrix.double(),
        m.y[0].double(),
        problem.denoiser.mean.double(),
        problem.denoiser.covariance.double(),
    )


def denoised(x, sigma, mean, covariance):
    eye = torch.eye(len(mean)).double()
    return mean + torch.linalg.solve(covariance + sigma**2 * eye, covariance) @ (x - mean)


def proximal(x, rho, A, y):
    return torch.linalg.solve(A.T @ A + rho * torch.eye(A.shape[1]).double(), A.T @ y + rho * x)


def start(problem):
    torch.manual_seed(1)
    noise = torch.randn(1, 1, *problem.measurement.shape)
    return noise, noise.flatten().double() * noise_levels(problem.denoiser, 7)[0]


def agrees(x, expected):
    assert torch.allclose(x.detach().flatten().double(), expected, atol=2e-4), x.flatten().double() - expected


def kept(x_0, x, sigma, smaller):
    return x_0 + (smaller / sigma) ** 2 * (x - x_0)


def test_plug_and_play_is_its_recursion():
    problem = Problem(1)
    A, y, *prior = linear(problem)
    z = A.T @ y
    for sigma in geometric(0.5, 0.01, 7):
        z = denoised(proximal(z, 2.0 * 0.1**2 / sigma**2, A, y), sigma, *prior)
    agrees(pnp.solve(problem.denoiser, problem.measurement, problem.draws, weight=2.0, steps=7), z)


@pytest.mark.parametrize("zeta", [0.0, 0.3])
def test_diffpir_is_its_recursion(zeta):
    problem = Problem(1)
    A, y, *prior = linear(problem)
    noise, x = start(problem)
    for sigma, smaller in pairwise(fine_levels(problem.denoiser, 7)):
        x_0 = proximal(denoised(x, sigma, *prior), 2.0 * 0.1**2 / sigma**2, A, y)
        x = x_0 + smaller * (1 - zeta) ** 0.5 * (x - x_0) / sigma
    found = diffpir.solve(problem.denoiser, problem.measurement, Quiet(noise), weight=2.0, zeta=zeta, steps=7)
    agrees(found, x)


def test_dds_is_its_recursion(monkeypatch):
    monkeypatch.setattr(dds, "CG_STEPS", 12)  # of 12 dimensions: solved
    problem = Problem(1)
    A, y, *prior = linear(problem)
    noise, x = start(problem)
    for sigma, smaller in pairwise(noise_levels(problem.denoiser, 7)):
        x_0 = denoised(x, sigma, *prior)
        x = proximal(x_0, 0.05, A, y) + smaller * (1 - 0.6**2) ** 0.5 * (x - x_0) / sigma
    agrees(dds.solve(problem.denoiser, problem.measurement, Quiet(noise), eta=0.6, steps=7), x)


def test_dps_is_its_recursion():
    problem = Problem(1)
    A, y, mean, covariance = linear(problem)
    noise, x = start(problem)
    for sigma, smaller in pairwise(noise_levels(problem.denoiser, 7)):
        eye = torch.eye(len(mean)).double()
        jacobian = torch.linalg.solve(covariance + sigma**2 * eye, covariance)
        x_0 = denoised(x, sigma, mean, covariance)
        difference = y - A @ x_0
        gradient = -jacobian.T @ A.T @ difference / difference.norm()
        x = kept(x_0, x, sigma, smaller) - 0.01 * (1 + 4 * sigma**2) / 2 * gradient
    agrees(dps.solve(problem.denoiser, problem.measurement, Quiet(noise), zeta=0.01, steps=7), x)


def test_pigdm_is_its_recursion():
    problem = Problem(1)
    A, y, mean, covariance = linear(problem)
    noise, x = start(problem)
    for sigma, smaller in pairwise(noise_levels(problem.denoiser, 7)):
        eye = torch.eye(len(mean)).double()
        jacobian = torch.linalg.solve(covariance + sigma**2 * eye, covariance)
        x_0 = denoised(x, sigma, mean, covariance)
        variance = sigma**2 * 0.3**2 / (sigma**2 + 0.3**2)
        u = torch.linalg.solve(variance * A @ A.T + 0.1**2 * torch.eye(len(y)).double(), y - A @ x_0)
        x = kept(x_0 + sigma**2 * jacobian.T @ A.T @ u, x, sigma, smaller)
    agrees(pigdm.solve(problem.denoiser, problem.measurement, Quiet(noise), spread=0.3, steps=7), x)


def test_replacement_is_its_recursion():
    problem = Problem(1)
    A, y, *prior = linear(problem)
    noise, x = start(problem)
    for sigma, smaller in pairwise(noise_levels(problem.denoiser, 7)):
        x = proximal(x, 0.1, A, y)
        x = kept(denoised(x, sigma, *prior), x, sigma, smaller)
    agrees(replacement.solve(problem.denoiser, problem.measurement, Quiet(noise), rho=0.1, steps=7), x)


def test_repaint_is_its_recursion():
    problem = Problem(1)
    A, y, *prior = linear(problem)
    noise, x = start(problem)
    for sigma, smaller in pairwise(noise_levels(problem.denoiser, 7)):
        for _ in range(3 if smaller > 0 else 1):
            x = proximal(kept(denoised(x, sigma, *prior), x, sigma, smaller), 0.1, A, y)
    found = repaint.solve(problem.denoiser, problem.measurement, Quiet(noise), repeats=3, steps=7, rho=0.1)
    agrees(found, x)


def test_repaint_comes_nearer_to_the_posterior_with_more_repeats():
    """Replacement alone leaves what was drawn at odds with what was put in."""
    found = []
    for repeats in (1, 8):
        problem = Problem(1000)
        x = repaint.solve(problem.denoiser, problem.measurement, problem.draws, repeats=repeats, steps=30)
        found.append(float(errors(x, problem)[0]))
    assert found[1] < 0.7 * found[0]


def test_ccdf_is_its_recursion():
    problem = Problem(1)
    A, y, *prior = linear(problem)
    noise, _ = start(problem)
    x = proximal(A.T @ y, 0.1, A, y) + 0.4 * noise.flatten().double()
    for sigma, smaller in pairwise(noise_levels(problem.denoiser, 7, 0.4)):
        x = proximal(kept(denoised(x, sigma, *prior), x, sigma, smaller), 0.1, A, y)
    agrees(ccdf.solve(problem.denoiser, problem.measurement, Quiet(noise), first=0.4, rho=0.1, steps=7), x)
