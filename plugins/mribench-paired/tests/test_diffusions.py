"""Diffusions of linear-Gaussian pairs, whose conditional mean and variance are those of regression."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mribench_paired import diffusions, networks
from mribench_paired.contrasts import FirstContrast

from mribench.seeds import torch_generator
from mribench.spec import Examples, Measurement, Network
from mribench.training.draws import BatchDraws

SIDE, SLOPE, OFFSET, REST, N = 8, -0.6, 0.8, 0.1, 400  # x = SLOPE y + OFFSET + REST eps
MEAN, WIDTH = 0.5, 0.15  # of y


class Gaussian:
    """D(x; sigma) of a Gaussian in closed form; mean: a number or images."""

    sigmas = diffusions.GivenDenoiser.sigmas

    def __init__(self, mean, width):
        self.mean, self.width, self.nfe = mean, width, 0

    def __call__(self, x, sigma):
        return (self.width**2 * x + sigma**2 * self.mean) / (self.width**2 + sigma**2)


def draws(n, *address):
    return BatchDraws(torch_generator("toy", *address), n, slice(None))


def shown(n, *address):
    """Pairs as a problem measures them: image and contrast as channels, and the contrast."""
    random = draws(n, *address)
    y = MEAN + WIDTH * random.normal(1, SIDE, SIDE)
    x = SLOPE * y + OFFSET + REST * random.normal(1, SIDE, SIDE)
    return torch.cat([x, y], dim=1), Measurement(y, FirstContrast(), 0.0, (SIDE, SIDE)), random


def test_a_draw_has_the_mean_and_the_variance_of_regression():
    """With the exact denoiser: the mean to a twentieth of the spread, the variance to a sixth, by Heun's 12 steps."""
    _, m, _ = shown(N)
    regression = SLOPE * m.y + OFFSET
    found = [diffusions.drawn(Gaussian(regression, REST), m.shape, draws(N, k)) for k in range(10)]
    residual = torch.stack(found) - regression
    assert residual.mean().abs() < REST / 20
    assert residual.var() / REST**2 == pytest.approx(1, abs=1 / 6)


def test_the_bridge_of_two_gaussians_is_the_monotone_map_between_them():
    _, m, _ = shown(N)
    width = (SLOPE**2 * WIDTH**2 + REST**2) ** 0.5
    mean = SLOPE * MEAN + OFFSET
    found = diffusions.bridged(Gaussian(MEAN, WIDTH), Gaussian(mean, width), m.y, None)
    assert (found - (mean + width / WIDTH * (m.y - MEAN))).abs().mean() < 0.05 * width


def test_sdedit_keeps_the_contrast_after_little_noise_and_forgets_it_after_much():
    _, m, _ = shown(N)
    near = diffusions.noised_and_drawn(Gaussian(0.2, 0.1), m, draws(N), sigma=0.005)
    assert (near - m.y).abs().mean() < 0.01
    far = diffusions.noised_and_drawn(Gaussian(0.2, 0.1), m, draws(N), sigma=5.0)
    both = np.corrcoef(far.flatten(), m.y.flatten())[0, 1]
    assert abs(both) < 0.05 and far.mean() == pytest.approx(0.2, abs=0.01)


def test_inpainting_a_channel_of_the_joint_gaussian_nears_regression_as_repeats_grow():
    """Replacement leaves half of the slope; four repeats lose about a fifth of it, and of the spread."""
    cross, mean = SLOPE * WIDTH**2, torch.tensor([SLOPE * MEAN + OFFSET, MEAN]).view(1, 2, 1, 1)
    joint = torch.tensor([[SLOPE * cross + REST**2, cross], [cross, WIDTH**2]])

    class Joint(Gaussian):
        def __call__(self, x, sigma):
            gain = joint @ torch.linalg.inv(joint + sigma**2 * torch.eye(2))
            return mean + torch.einsum("ij,njhw->nihw", gain, x - mean)

    _, m, _ = shown(N)
    slopes = {}
    for repeats in (1, 4):
        found = diffusions.inpainted(Joint(None, None), m, draws(N, "inpainted"), repeats)
        slopes[repeats], offset = np.polyfit(m.y.flatten(), found.flatten(), 1)
        assert slopes[repeats] * MEAN + offset == pytest.approx(float(mean[0, 0]), abs=0.01)
    assert slopes[4] == pytest.approx(SLOPE, rel=0.3) and slopes[1] > 0.7 * SLOPE
    left = found - (slopes[4] * m.y + offset)
    assert left.std() / REST == pytest.approx(0.8, abs=0.1)


def fitted(solver, steps, rate):
    """A network of 8 x 8 pixels, trained on pairs, and the held-out pairs with its answers."""
    profile = SimpleNamespace(
        size=SIDE,
        network=Network(channels=(16, 16), layers_per_block=1),
        total_steps=lambda n: steps,
        coarse_steps=0,
        precision="fp32",
        grad_clip=1.0,
        batch_size=32,
        lr=rate,
        warmup_steps=20,
    )
    images = shown(64, "train")[0].numpy()
    batches = lambda n, size: (shown(size, step) for step in range(n))  # noqa: E731
    known = solver.fit(Examples(images, batches, profile, 0, torch.device("cpu"), 1.0))
    x, m, _ = shown(N, "held out")

    def answer(k=0):
        with torch.no_grad():
            return solver.solve(known, m, draws(N, "answer", k))

    return x[:, :1], SLOPE * m.y + OFFSET, answer


@pytest.mark.slow
def test_a_supervised_network_comes_to_the_mean_of_regression():
    _, regression, answer = fitted(networks.UNET, 300, 5e-3)
    assert (answer() - regression).square().mean() < 0.1 * REST**2


@pytest.mark.slow
def test_pix2pix_comes_near_the_mean_of_regression():
    """Its 100 |x - G(y)| seeks the median, which is the mean here; the critic leaves some noise."""
    _, regression, answer = fitted(networks.PIX2PIX, 300, 5e-3)
    assert (answer() - regression).square().mean() < 0.3 * REST**2


@pytest.mark.slow
def test_a_trained_conditional_diffusion_has_the_mean_and_the_variance_of_regression():
    x, regression, answer = fitted(diffusions.PALETTE, 500, 3e-3)
    found = torch.stack([answer(k) for k in range(10)])
    assert (found.mean(0) - regression).square().mean() < 0.3 * REST**2
    assert found.var(0).mean() / REST**2 == pytest.approx(1, abs=0.35)
    one, mean = ((part - x).square().mean() for part in (found[0], found.mean(0)))
    assert one / mean == pytest.approx(2 / 1.1, abs=0.25), (
        "of ten draws the mean has 1.1 of the least error, one has 2"
    )
