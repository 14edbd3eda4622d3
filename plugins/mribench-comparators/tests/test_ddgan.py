"""Four steps of noise and their undoing, on a mixture whose p(x_0 | x_t) is known."""

import math

import pytest
import torch
from mribench_comparators import ddgan
from mribench_comparators.ddgan import ALPHA_BARS, STEPS, DenoisingPair

from mribench.spec import Batch
from mribench.training.draws import BatchDraws

N = 20_000
MEANS = torch.tensor([-0.8, 0.6])
WEIGHTS = torch.tensor([0.3, 0.7])
WIDTH = 0.1  # standard deviation of both modes


def draws(n=N, seed=0):
    return BatchDraws(torch.Generator().manual_seed(seed), n, slice(None))


def posterior(x_t, t):
    """Weights (N, 2), means (N, 2) and variance of p(x_0 | x_t), a mixture again."""
    share = ALPHA_BARS[int(t[0])]
    away = x_t.flatten(1) - math.sqrt(share) * MEANS
    variance = share * WIDTH**2 + 1 - share
    weights = torch.softmax(WEIGHTS.log() - away.square() / (2 * variance), dim=1)
    means = MEANS + math.sqrt(share) * WIDTH**2 / variance * away
    return weights, means, WIDTH**2 * (1 - share) / variance


def from_chain(draw_x0):
    x_T = draws(seed=1).normal(1, 1, 1)
    return ddgan.chain(draw_x0, x_T, STEPS, draws(seed=2)).flatten()


def test_a_generator_that_draws_from_the_posterior_gives_the_mixture_in_four_steps():
    """Weights within three standard errors, and the width of the modes."""
    generator = torch.Generator().manual_seed(3)

    def drawn(x_t, t):
        weights, means, variance = posterior(x_t, t)
        mode = torch.multinomial(weights, 1, generator=generator)
        x0 = means.gather(1, mode) + math.sqrt(variance) * torch.randn(N, 1, generator=generator)
        return x0.view_as(x_t)

    x = from_chain(drawn)
    right = x > 0
    assert right.float().mean().item() == pytest.approx(0.7, abs=0.011)
    for side, mean in ((~right, MEANS[0]), (right, MEANS[1])):
        assert x[side].mean().item() == pytest.approx(mean.item(), abs=0.006)
        assert x[side].std().item() == pytest.approx(WIDTH, rel=0.06)


def test_the_posterior_mean_in_its_place_does_not():
    """The Gaussian of a diffusion model is too narrow for steps this large: why the paper needs a GAN."""

    def mean(x_t, t):
        weights, means, _ = posterior(x_t, t)
        return (weights * means).sum(1).view_as(x_t)

    x = from_chain(mean)
    exact = (WEIGHTS * MEANS.square()).sum() - (WEIGHTS * MEANS).sum() ** 2 + WIDTH**2
    assert x.var() < 0.9 * exact


def test_levels_fall_from_the_image_to_noise():
    """abar_t of the variance-preserving SDE at t / 4 (Song et al., arXiv 2011.13456, equation 33)."""
    known = (1, 0.5236, 0.0791, 0.00345, 4.3e-5)
    assert list(ALPHA_BARS) == pytest.approx(known, rel=0.01)


@pytest.mark.parametrize("t", range(1, STEPS + 1))
def test_a_step_back_from_the_true_image_has_the_noise_of_the_step_before(t):
    """q(x_{t-1} | x_t, x_0) averaged over q(x_t | x_0) is q(x_{t-1} | x_0)."""
    x0, time = torch.full((N, 1, 1, 1), 0.7), torch.full((N,), t)
    source = draws()
    x_t = ddgan.noised(x0, source.normal(1, 1, 1), time, torch.zeros_like(time))
    before = ddgan.one_step_back(x0, x_t, source.normal(1, 1, 1), time)
    sd = math.sqrt(1 - ALPHA_BARS[t - 1])
    assert before.mean().item() == pytest.approx(0.7 * math.sqrt(ALPHA_BARS[t - 1]), abs=1e-5 + 0.02 * sd)
    assert before.std().item() == pytest.approx(sd, abs=1e-5 + 0.02 * sd)


def test_two_steps_of_noise_are_one_larger_step():
    x0, ones = torch.full((N, 1, 1, 1), 0.7), torch.ones(N, dtype=torch.int64)
    source = draws()
    x_1 = ddgan.noised(x0, source.normal(1, 1, 1), ones, 0 * ones)
    x_2 = ddgan.noised(x_1, source.normal(1, 1, 1), 2 * ones, ones)
    assert x_2.mean().item() == pytest.approx(0.7 * math.sqrt(ALPHA_BARS[2]), abs=0.02)
    assert x_2.var().item() == pytest.approx(1 - ALPHA_BARS[2], rel=0.03)


class Oracle:
    """A generator that knows x_0; it notes the levels and the noise that it is shown."""

    config = type("Config", (), {"code": 2})

    def __init__(self, x0):
        self.x0, self.seen = x0, {}

    def __call__(self, part, x, t, other):
        self.seen[int(t[0])] = x
        return self.x0


@pytest.mark.parametrize("sigma", [0.3389, 0.953, 3.42, 10.0])
def test_denoising_begins_at_the_next_level_with_the_noise_of_that_level(sigma):
    x0, source = torch.full((N, 1, 1, 1), 0.5), draws()
    net = Oracle(x0)
    x = x0 + sigma * source.normal(1, 1, 1)
    assert torch.equal(ddgan.denoise({"pair": net}, x, sigma, source), x0)
    first = max(net.seen)
    level = math.sqrt(1 / ALPHA_BARS[first] - 1)
    assert level >= 0.99 * sigma and (first == 1 or math.sqrt(1 / ALPHA_BARS[first - 1] - 1) < sigma)
    left = net.seen[first] - math.sqrt(ALPHA_BARS[first]) * x0
    assert left.std().item() == pytest.approx(math.sqrt(1 - ALPHA_BARS[first]), rel=0.03)


def test_the_generator_is_moved_by_its_own_random_input_and_by_the_step():
    torch.manual_seed(0)
    net = DenoisingPair(size=16, channels=(8, 16), groups=4, patch=1).eval()
    x, t, z = torch.randn(2, 1, 16, 16), torch.ones(2, dtype=torch.int64), torch.randn(2, 2, 64)
    first = net("generator", x, t, z[0])
    assert not torch.allclose(first, net("generator", x, t, z[1]), atol=1e-4)
    assert not torch.allclose(first, net("generator", x, t + 2, z[0]), atol=1e-4)
    critic = net("critic", x, t, x)
    assert critic.shape == (2,) and not torch.allclose(critic, net("critic", x, t + 2, x))


def test_every_loss_is_one_number_per_image_at_either_side():
    net = DenoisingPair(size=16, channels=(8, 16), groups=4, patch=1)
    for side in (8, 16):
        for loss in (ddgan.critic_loss, ddgan.generator_loss, ddgan.validation_loss):
            assert loss(net, Batch(torch.zeros(3, 1, side, side)), {}, draws(3)).shape == (3,)
