"""Correlated noise: its covariance in closed form, and the same at the start, in the loss and on the way."""

import math

import pytest
import torch
from mribench_score.coarse import COARSE
from mribench_score.integrators import ANCESTRAL
from mribench_score.octaves import OCTAVES_OF_NOISE

FAMILIES = pytest.mark.parametrize("family", [COARSE, OCTAVES_OF_NOISE], ids=lambda family: family.name)


def covariances(family, side):
    """(side, side): of one pixel with all others. The kernel is symmetric: K K^T delta = K (K delta)."""
    delta = torch.zeros(1, 1, side, side)
    delta[0, 0, 0, 0] = 1
    return family.noise(family.noise(delta))[0, 0]


@FAMILIES
@pytest.mark.parametrize("side", [8, 15, 64])
def test_noise_is_linear_of_unit_variance_and_leaves_no_frequency_out(family, side):
    a, b = torch.randn(2, 3, 1, side, side, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(family.noise(a + 2 * b), family.noise(a) + 2 * family.noise(b), atol=1e-5)
    assert torch.allclose(family.noise(a)[1:2], family.noise(a[1:2]), atol=1e-5)
    row = covariances(family, side)
    assert row[0, 0].item() == pytest.approx(1, abs=1e-5)
    assert torch.fft.fft2(row).real.min() > 0.0999


def test_coarse_noise_has_the_covariance_of_a_gaussian_blur():
    """0.9 exp(-d^2 / (4 s^2)) at distance d, s = 2 pixels of 64."""
    row = covariances(COARSE, 64)
    for d in (1, 2, 4, 8):
        assert row[0, d].item() == pytest.approx(0.9 * math.exp(-(d**2) / 16), abs=1e-3)
        assert row[d, 0].item() == pytest.approx(row[0, d].item(), abs=1e-6)


def test_each_octave_has_the_persistence_of_the_one_before():
    """0.8^2 = 0.64 times its variance, in bands far from the first and the last octave."""
    side = 1024
    power = torch.fft.fft2(covariances(OCTAVES_OF_NOISE, side)).real - 0.1
    f = torch.fft.fftfreq(side)
    octave = torch.log2((f[:, None] ** 2 + f**2).sqrt() * side / 4)
    variance = [power[(octave - i).abs() < 0.5].sum().item() for i in range(6)]
    assert variance[3] / variance[2] == pytest.approx(0.64, rel=0.03)
    assert variance[4] / variance[3] == pytest.approx(0.64, rel=0.06)


@FAMILIES
def test_images_of_its_covariance_come_out_with_it(family):
    """Prior N(0, s^2 K), noise N(0, sigma^2 K): D = s^2 / (s^2 + sigma^2) x; noise at the start and on the way."""
    n, width, generator = 4000, 0.5, torch.Generator().manual_seed(0)

    class Draws:
        def normal(self, *shape):
            return family.noise(torch.randn(n, *shape, generator=generator))

    draws, sigmas = Draws(), [20 * 0.97**i for i in range(250)] + [0.0]
    x = ANCESTRAL.integrate(
        lambda x, sigma: width**2 / (width**2 + sigma**2) * x,
        sigmas[0] * draws.normal(1, 8, 8),
        sigmas,
        draws,
    )
    flat = x.flatten(1) / width
    row = covariances(family, 8).flatten()
    assert torch.allclose((flat[:, :1] * flat).mean(0), row, atol=0.08)
    start = draws.normal(1, 8, 8).flatten(1)
    assert torch.allclose((start[:, :1] * start).mean(0), row, atol=0.08)
