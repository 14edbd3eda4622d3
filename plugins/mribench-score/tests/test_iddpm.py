"""IDDPM on a Gaussian, of which every term of the bound is known; T = 1000, images N(0, WIDTH^2) of one pixel."""

import math
from types import SimpleNamespace

import pytest
import torch
from mribench_score import iddpm

from mribench.errors import InputError

T, WIDTH = 1000, 0.3
WEIGHT_OF_BITS = 1.0  # lambda T
SCHEDULER = iddpm.scheduler(SimpleNamespace(prediction="epsilon"))


def known(t):
    """alpha_bar, beta, beta-tilde, weight of x_0 in the posterior mean, and Var(x_0 | x_t), floats."""
    alpha_bar = float(SCHEDULER.alphas_cumprod[t])
    before = float(SCHEDULER.alphas_cumprod[t - 1]) if t else 1.0
    beta = 1 - alpha_bar / before
    of_x0 = math.sqrt(before) * beta / (1 - alpha_bar)
    left = WIDTH**2 * (1 - alpha_bar) / (alpha_bar * WIDTH**2 + 1 - alpha_bar)
    return alpha_bar, beta, (1 - before) / (1 - alpha_bar) * beta, of_x0, left


def optimal(x_t, t):
    """(eps, v) where p(x_(t-1) | x_t) is the true reverse step, with Var = beta-tilde + of_x0^2 Var(x_0 | x_t)."""
    alpha_bar, beta, posterior, of_x0, left = known(t)
    eps = math.sqrt(1 - alpha_bar) / (alpha_bar * WIDTH**2 + 1 - alpha_bar) * x_t
    least = posterior if t else known(1)[2]
    share = math.log((posterior + of_x0**2 * left) / least) / math.log(beta / least)
    return eps, torch.full_like(x_t, 2 * share - 1)


def drawn(t, n=100_000):
    generator = torch.Generator().manual_seed(t)
    image, noise = (torch.randn(n, 1, 1, 1, generator=generator) for _ in range(2))
    image, when = WIDTH * image, torch.full((n,), t)
    return image, noise, when, SCHEDULER.add_noise(image, noise, when)


@pytest.mark.parametrize("t", [5, 100, 300])
def test_the_bound_is_least_at_the_variance_of_the_true_reverse_step(t):
    image, _, when, x_t = drawn(t)
    eps, v = optimal(x_t, t)
    assert -1 < v[0].item() < 1
    _, beta, posterior, of_x0, left = known(t)
    true = posterior + of_x0**2 * left

    found = iddpm.predicted_x0(SCHEDULER, eps, x_t, when)

    def bound(v):
        return iddpm.bound(SCHEDULER, image, x_t, when, found, v).mean().item()

    assert bound(v) < min(bound(v + 0.3), bound(v - 0.3))
    # E KL of two Gaussians, bits
    expected = 0.5 * math.log2(true / posterior)
    assert bound(v) == pytest.approx(expected, rel=0.02)
    log_variance = 0.5 * math.log(beta * posterior)  # v = 0
    expected = 0.5 * (log_variance - math.log(posterior) - 1 + true * math.exp(-log_variance)) / math.log(2)
    assert bound(0 * v) == pytest.approx(expected, rel=0.02)


def test_the_terms_add_up_to_the_entropy_of_grey_levels():
    """Of a Gaussian the reverse chain is exact: L_vlb is -log p, here 7.304 bits for a pixel of 256 levels."""
    total = 0.0
    for t in range(T):
        # half of it comes from the first two terms
        image, _, when, x_t = drawn(t, 100_000 if t < 10 else 1000)
        eps, v = optimal(x_t, t)
        found = iddpm.predicted_x0(SCHEDULER, eps, x_t, when)
        total += iddpm.bound(SCHEDULER, image, x_t, when, found, v).mean().item()
    expected = 0.5 * math.log2(2 * math.pi * math.e * WIDTH**2) + math.log2(127.5)
    assert expected == pytest.approx(7.304, abs=0.001)
    assert total == pytest.approx(expected, abs=0.02)


def test_the_bound_moves_the_variance_alone():
    image, noise, when, x_t = drawn(300, 50)
    eps, v = optimal(x_t, 300)
    out = torch.cat([eps, 0 * v], dim=1).requires_grad_()
    net = lambda x, t: SimpleNamespace(sample=out)  # noqa: E731
    iddpm.loss(net, SCHEDULER, image, noise, when).sum().backward()
    assert torch.allclose(out.grad[:, :1], 2 * (eps - noise), atol=1e-5)
    assert out.grad[:, 1:].abs().min() > 0


def test_it_is_the_same_model_whether_it_predicts_noise_or_v():
    """v = (eps - sqrt(1 - alpha_bar) x_t) / sqrt(alpha_bar)."""
    image, noise, when, x_t = drawn(300, 50)
    eps, v = optimal(x_t, 300)
    alpha_bar = known(300)[0]
    other = iddpm.scheduler(SimpleNamespace(prediction="v_prediction"))
    velocity = (eps - math.sqrt(1 - alpha_bar) * x_t) / math.sqrt(alpha_bar)
    assert torch.allclose(
        iddpm.predicted_x0(other, velocity, x_t, when),
        iddpm.predicted_x0(SCHEDULER, eps, x_t, when),
        atol=1e-4,
    )
    net = lambda x, t: SimpleNamespace(sample=torch.cat([velocity, v], dim=1))  # noqa: E731
    weight = WEIGHT_OF_BITS * iddpm.bound(
        SCHEDULER, image, x_t, when, iddpm.predicted_x0(SCHEDULER, eps, x_t, when), v
    )
    expected = ((eps - noise).square() / alpha_bar + weight).mean(dim=(1, 2, 3))
    assert torch.allclose(iddpm.loss(net, other, image, noise, when), expected, atol=1e-4)


def chain(steps):
    """What the sampler draws with the best mean and the best variance."""
    scheduler = iddpm.ancestral(SCHEDULER.config)
    x = torch.randn(4000, 1, 1, 1, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    for t in iddpm.timesteps(scheduler, steps, None):
        x = scheduler.step(torch.cat(optimal(x, t), dim=1), t, x, generator=generator).prev_sample
    return x


def test_its_sampler_draws_a_gaussian_with_the_learned_variance():
    assert chain(T).std().item() == pytest.approx(WIDTH, rel=0.04)


@pytest.mark.parametrize("steps", [8, 16, 50])
def test_the_last_step_adds_no_noise_whatever_variance_was_learned(steps):
    """At timestep 0 the image is the mean; a network of few steps may well ask for the largest variance there."""
    scheduler = iddpm.ancestral(SCHEDULER.config)
    for start in (None, 600):
        last = iddpm.timesteps(scheduler, steps, start)[-1]
        x, large = torch.zeros(1000, 1, 1, 1), torch.ones(1000, 1, 1, 1)
        drawn = scheduler.step(torch.cat([0 * x, large], dim=1), last, x).prev_sample
        assert drawn.std() == 0


def test_its_sampler_starts_where_it_is_told():
    scheduler = iddpm.ancestral(SCHEDULER.config)
    assert iddpm.timesteps(scheduler, 4, None) == [999, 666, 333, 0]
    assert iddpm.timesteps(scheduler, 4, 600) == [600, 300, 0]
    with pytest.raises(InputError, match="expected two or more"):
        iddpm.timesteps(scheduler, 1, None)
    assert iddpm.timesteps(scheduler, 4, 3) == [3, 0] and iddpm.timesteps(scheduler, 1000, 2) == [2, 1, 0]
