"""Likelihood by the probability-flow ODE against Gaussians, whose density is known."""

import math

import numpy as np
import pytest
import torch

from mribench.metrics.likelihood import bits_per_dimension
from mribench.sampling.likelihood import levels, log_likelihood, with_errors

D = 64
VARIANCES = torch.from_numpy(np.geomspace(0.003, 1.0, D))
LIMITS = (0.01, 80.0)


class Gaussian:
    """D(x; sigma) of independent pixels with ``VARIANCES``, in a turned frame."""

    sigmas, nfe = LIMITS, 0
    frame, _ = torch.linalg.qr(torch.randn(D, D, generator=torch.Generator().manual_seed(0)).double())

    def __call__(self, x, sigma):
        self.nfe += 1
        turned = x.flatten(1) @ self.frame * VARIANCES / (VARIANCES + sigma**2)
        return (turned @ self.frame.T).view_as(x)


def case(n=16):
    """Images (n, 1, 8, 8) and their bits per dimension in closed form, at the level where the ODE begins."""
    x = torch.randn(n, D, generator=torch.Generator().manual_seed(1)).double() * VARIANCES.sqrt()
    variance = VARIANCES + LIMITS[0] ** 2
    nats = -0.5 * (x.square() / variance + (2 * math.pi * variance).log()).sum(1)
    return (x @ Gaussian.frame.T).view(n, 1, 8, 8), bits_per_dimension(nats.numpy(), D)


def error(steps, probe=None):
    x, exact = case()
    found = log_likelihood(Gaussian(), x, levels(steps, LIMITS), probe)
    return bits_per_dimension(found.numpy(), D) - exact


@pytest.mark.parametrize(
    ("steps", "largest"),
    [(32, 0.005), *(pytest.param(*more, marks=pytest.mark.slow) for more in ((64, 0.002), (128, 5e-4)))],
)
def test_a_gaussian_has_its_likelihood(steps, largest):
    assert abs(error(steps).mean()) < largest


def test_the_error_falls_with_the_square_of_the_steps():
    """So that the difference to half the steps, as the record has it, is three times the error that is left."""
    errors = [error(steps).mean() for steps in (16, 32, 64)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.15)
    assert (errors[0] - errors[1]) / 3 == pytest.approx(errors[1], rel=0.15)


def test_hutchinsons_estimator_is_unbiased():
    """400 probes of one image: the mean is the exact one to two standard errors."""
    x, _ = case(1)
    signs = torch.randint(2, (400, 1, 8, 8), generator=torch.Generator().manual_seed(2)) * 2.0 - 1
    sigmas = levels(16, LIMITS)
    exact = log_likelihood(Gaussian(), x, sigmas, None).item()
    found = log_likelihood(Gaussian(), x.expand(400, -1, -1, -1), sigmas, signs.double())
    assert found.std() > 0
    assert abs(found.mean().item() - exact) < 2 * found.std().item() / math.sqrt(400)


def test_a_uniform_image_costs_eight_bits():
    """A density of 1/2 on [-1, 1] gives each of 256 grey levels (nearly) the same probability."""
    nats = np.array([D * math.log(0.5)])
    assert bits_per_dimension(nats, D) == pytest.approx(8, abs=0.01)


def test_probes_have_an_address_whatever_the_batch():
    x = case(5)[0].float()
    one, other = (with_errors(Gaussian32(), x, 3, batch, lambda done: None) for batch in (2, 5))
    assert one.keys() == {"nats", "half_the_steps", "another_probe"}
    assert all(np.allclose(one[name], other[name], rtol=1e-5) for name in one)
    assert not np.allclose(one["nats"], one["another_probe"], rtol=1e-5)
    assert not np.allclose(
        one["nats"], with_errors(Gaussian32(), x, 4, 5, lambda done: None)["nats"], rtol=1e-5
    )


class Gaussian32(Gaussian):
    def __call__(self, x, sigma):
        return super().__call__(x.double(), sigma).float()
