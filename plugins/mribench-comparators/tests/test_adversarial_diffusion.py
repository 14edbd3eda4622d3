"""Adversarial diffusion on independent Gaussian pixels, where the teacher is linear and all is known in closed form."""

from types import SimpleNamespace

import pytest
import torch
from mribench_comparators import adversarial_diffusion as ad
from mribench_comparators.adversarial_diffusion import ADVERSARIAL_DIFFUSION
from mribench_comparators.networks import DenoiserAndCritic
from mribench_latent import distilled

from mribench.spec import Batch
from mribench.training.draws import BatchDraws

STD = 0.3  # of the pixels
N = 100_000


def draws(n=N, seed=0):
    return BatchDraws(torch.Generator().manual_seed(seed), n, slice(None))


def gain(t):
    """E[x | z_t] / z_t."""
    alpha, sigma = distilled.signal_and_noise(t)
    return alpha * STD**2 / (alpha**2 * STD**2 + sigma**2)


def pair(gain_at=gain, logit=lambda x, t: torch.zeros(len(x))):
    """A network whose image is ``gain_at(t)`` times z_t, and a critic of images and their level."""

    def net(part, x, t=None):
        if part == "critic":
            return logit(x[:, 0].flatten(1).mean(1), x[:, 1].flatten(1).mean(1))
        t = t.view(-1, 1, 1, 1) / distilled.TIMESTEPS
        alpha, sigma = distilled.signal_and_noise(t)
        return SimpleNamespace(sample=(alpha * x - gain_at(t) * x) / sigma)

    return net


def two_steps(t):
    """What a student of one DDIM step has to say where a linear teacher takes two, over z_t."""
    return distilled.target(lambda z, t: pair()("denoiser", z, t), torch.ones_like(t), t, ad.STEPS)


def image(std=STD, seed=1):
    return std * torch.randn(N, 1, 1, 1, generator=torch.Generator().manual_seed(seed))


def test_a_student_that_says_what_two_steps_of_its_teacher_say_hears_the_critic_alone():
    student = pair(two_steps, lambda x, t: torch.full((len(x),), -2.0))
    loss = ad.last_loss(student, Batch(image()), {ad.STUDENT: pair()}, draws())
    expected = ad.WEIGHT * torch.nn.functional.softplus(torch.tensor(2.0))
    assert torch.allclose(loss, expected.expand(N), atol=1e-5)


def test_the_posterior_mean_of_the_teacher_is_not_what_the_student_learns():
    off = ad.last_loss(pair(gain), Batch(image()), {ad.STUDENT: pair()}, draws()).mean()
    assert off - ad.WEIGHT * torch.tensor(2.0).log() > 0.001


def log_ratio(x, t):
    """log p(x) / q(x) at t: p of images, q of what ``gain`` predicts from noised ones."""
    alpha, sigma = distilled.signal_and_noise(t)
    # at t = 1 every prediction is 0, and any narrow Gaussian says so
    narrow = (gain(t) * (alpha**2 * STD**2 + sigma**2).sqrt()).clamp(min=0.01)
    p, q = torch.distributions.Normal(0.0, STD), torch.distributions.Normal(0.0, narrow)
    return p.log_prob(x) - q.log_prob(x)


def test_the_best_critic_is_the_log_ratio_of_images_and_predictions_at_each_level(monkeypatch):
    """Goodfellow et al. 2014, proposition 1; any other is worse, one that is not told the level too."""
    monkeypatch.setattr(ad, "GAMMA", 0.0)

    def loss(logit):
        return ad.critic_loss(pair(gain, logit), Batch(image()), {}, draws()).mean().item()

    best = loss(log_ratio)
    assert best < 2 * torch.tensor(2.0).log().item() - 0.05
    for worse in (
        lambda x, t: 0.8 * log_ratio(x, t),
        lambda x, t: 1.2 * log_ratio(x, t),
        lambda x, t: log_ratio(x, t) + 0.2,
        lambda x, t: log_ratio(x, torch.full_like(t, 0.5)),
    ):
        assert loss(worse) > best + 0.001


@pytest.mark.parametrize(("factor", "sign"), [(0.8, -1), (1.0, 0), (1.25, 1)])
def test_the_critic_moves_the_student_to_the_spread_of_the_images(monkeypatch, factor, sign):
    """A student too narrow is widened, one too wide narrowed, and one with the right spread left in peace."""
    monkeypatch.setattr(distilled, "weighted_error", lambda x, wanted, t: torch.zeros(len(x)))
    c = torch.tensor(factor, requires_grad=True)

    def right(t):
        alpha, sigma = distilled.signal_and_noise(t)
        return STD / (alpha**2 * STD**2 + sigma**2).sqrt()

    def ratio(x, t):
        p, q = (torch.distributions.Normal(0.0, std) for std in (STD, factor * STD))
        return p.log_prob(x) - q.log_prob(x)

    student = pair(lambda t: c * right(t), ratio)
    ad.last_loss(student, Batch(image()), {ad.STUDENT: pair()}, draws()).mean().backward()
    assert c.grad.item() == 0 if sign == 0 else c.grad.sign().item() == sign


def test_four_steps_draw_with_the_gain_of_their_recursion():
    made = ad.generate({ad.LAST: pair(two_steps)}, SimpleNamespace(size=1), draws())
    whole = torch.ones(1, 1, 1, 1)
    by_teacher = distilled.integrate(lambda z, t: pair()("denoiser", z, t), whole, 2 * ad.STEPS)
    assert made.std().item() == pytest.approx(by_teacher.item(), rel=0.01)


def test_critic_and_student_are_moved_by_their_own_losses():
    torch.manual_seed(0)
    net, teacher = (DenoiserAndCritic(size=16, channels=(8, 16), groups=4, patch=1) for _ in range(2))
    batch = Batch(torch.rand(4, 1, 16, 16) * 2 - 1)
    ad.critic_loss(net, batch, {}, draws(4)).mean().backward()
    assert all(p.grad is None for p in net.denoiser.parameters())
    assert sum(p.grad.abs().sum() for p in net.critic.parameters()) > 0
    net.zero_grad(set_to_none=True)
    loss = ad.last_loss(net, batch, {ad.STUDENT: teacher}, draws(4))
    assert loss.shape == (4,)
    loss.mean().backward()
    assert sum(p.grad.abs().sum() for p in net.denoiser.parameters()) > 0
    assert all(p.grad is None for p in teacher.parameters())


def test_each_student_begins_where_its_teacher_ended():
    stages = ADVERSARIAL_DIFFUSION.stages
    assert [stage.starts_from for stage in stages] == [None, *(stage.name for stage in stages[:-1])]
    assert sum(stage.share for stage in stages) == pytest.approx(1.0)
