"""The game of critic and generator where its value, its dynamics and its equilibrium are known."""

import math

import numpy as np
import pytest
import torch
from mribench_comparators import adversarial, gan
from mribench_comparators.networks import AdversarialPair

from mribench.spec import Batch
from mribench.training.draws import BatchDraws


def draws(n, seed=0):
    return BatchDraws(torch.Generator().manual_seed(seed), n, slice(None))


def test_between_two_gaussians_the_best_critic_is_their_log_density_ratio():
    """log N(x; 0, 1) / N(x; m, 1) = m^2 / 2 - m x, where the loss is 2 log 2 - 2 JS (Goodfellow et al., theorem 1)."""
    m, n = 1.5, 40_000
    draw = torch.Generator().manual_seed(0)
    real, fake = torch.randn(n, 1, generator=draw), m + torch.randn(n, 1, generator=draw)
    critic = torch.nn.Linear(1, 1)
    optimizer = torch.optim.LBFGS(critic.parameters(), max_iter=50)

    def value():
        optimizer.zero_grad()
        loss = adversarial.critic_loss(lambda x: critic(x)[:, 0], real, fake, 0.0).mean()
        loss.backward()
        return loss

    optimizer.step(value)
    assert critic.weight.item() == pytest.approx(-m, rel=0.03)
    assert critic.bias.item() == pytest.approx(m**2 / 2, rel=0.03)
    x = np.linspace(-9, 11, 20_001)
    p, q = (np.exp(-((x - mean) ** 2) / 2) / math.sqrt(2 * math.pi) for mean in (0, m))
    js = 0.5 * np.trapezoid(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q)), x)
    assert value().item() == pytest.approx(2 * math.log(2) - 2 * js, rel=0.01)


def test_the_penalty_is_half_gamma_times_the_squared_slope():
    """Of a linear critic the slope is its weight, at every image."""
    weight = torch.randn(12, generator=torch.Generator().manual_seed(0))
    x = torch.randn(5, 3, 2, 2)
    without, penalised = (
        adversarial.critic_loss(lambda x: x.flatten(1) @ weight, x, x, gamma) for gamma in (0.0, 3.0)
    )
    assert torch.allclose(penalised - without, 1.5 * weight.square().sum().expand(5), rtol=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.3])
def test_two_points_circle_for_ever_without_the_penalty_and_meet_with_it(gamma):
    """The Dirac-GAN (Mescheder et al., section 2 and lemma 4.2): data at 0, the generator at theta, critic psi x.

    Near (0, 0) the eigenvalues of gradient flow are -gamma / 2 +- sqrt(gamma^2 / 4 - 1 / 4): |(theta, psi)| falls as
    exp(-gamma t / 2), and stays where it is without R1.
    """
    theta, psi = torch.tensor([[0.05]], requires_grad=True), torch.tensor([0.0], requires_grad=True)
    dt = 0.01
    steps = round(4 * math.pi / dt / math.sqrt(1 - gamma**2))  # a turn, at angular velocity 1/2
    for _ in range(steps):

        def critic(x, psi=psi):
            return x[:, 0] * psi

        of_critic = adversarial.critic_loss(critic, torch.zeros(1, 1), theta.detach(), gamma).sum()
        of_generator = adversarial.generator_loss(critic(theta)).sum()
        (slope_psi,) = torch.autograd.grad(of_critic, psi)
        (slope_theta,) = torch.autograd.grad(of_generator, theta)
        with torch.no_grad():
            psi -= dt * slope_psi
            theta -= dt * slope_theta
    left = math.hypot(theta.item(), psi.item()) / 0.05
    assert left == pytest.approx(math.exp(-gamma / 2 * dt * steps), rel=0.05)


class Ring(torch.nn.Module):
    """A generator and a critic of points in the plane, called as ``AdversarialPair``."""

    config = type("Config", (), {"code": 8})

    def __init__(self):
        super().__init__()
        self.generator, self.critic = (
            torch.nn.Sequential(
                torch.nn.Linear(inputs, 64),
                torch.nn.SiLU(),
                torch.nn.Linear(64, 64),
                torch.nn.SiLU(),
                torch.nn.Linear(64, outputs),
            )
            for inputs, outputs in ((8, 2), (2, 1))
        )

    def forward(self, part, x):
        return self.critic(x)[:, 0] if part == "critic" else self.generator(x)


def ring(n, draw, width=0.1):
    angle = torch.randint(8, (n,), generator=draw) * math.pi / 4
    return torch.stack([angle.cos(), angle.sin()], 1) + width * torch.randn(n, 2, generator=draw)


@pytest.mark.slow
def test_all_eight_modes_of_a_ring_are_covered(monkeypatch):
    monkeypatch.setattr(gan, "GAMMA", 0.1)
    torch.manual_seed(0)
    net, draw = Ring(), torch.Generator().manual_seed(0)
    players = [
        (torch.optim.Adam(part.parameters(), lr=2e-3, betas=gan.BETAS), loss)
        for part, loss in ((net.critic, gan.critic_loss), (net.generator, gan.generator_loss))
    ]
    mean = [p.detach().clone() for p in net.generator.parameters()]
    for step in range(2000):
        batch = Batch(ring(256, draw))
        for optimizer, loss in players:
            loss(net, batch, {}, BatchDraws(draw, 256, slice(None))).mean().backward()
            optimizer.step()
            net.zero_grad()
        if step > 200:
            torch._foreach_lerp_(mean, [p.detach() for p in net.generator.parameters()], 0.01)
    with torch.no_grad():
        for parameter, averaged in zip(net.generator.parameters(), mean, strict=True):
            parameter.copy_(averaged)
        made = net("generator", draws(4000).normal(8))
    angle = torch.arange(8) * math.pi / 4
    away = torch.cdist(made, torch.stack([angle.cos(), angle.sin()], 1))
    nearest, mode = away.min(1)
    shares = torch.bincount(mode[nearest < 0.3], minlength=8) / len(made)
    # an even circle has 0.095 at each: this says that no mode is lost, not how sharp they are
    assert shares.min() > 0.05 and shares.sum() > 0.6, shares


def test_the_energy_score_is_lowest_for_the_true_distribution():
    """Of N(0, 1) in one dimension it is 1 / sqrt(pi) for the truth; a collapsed or a shifted generator loses."""
    draw = torch.Generator().manual_seed(0)

    def score(shift, scale):
        x, y, other = torch.randn(3, 50_000, generator=draw)
        y, other = (shift + scale * part for part in (y, other))
        shaped = (part[:, None, None, None] for part in (y, other))
        return adversarial.energy_score(x[:, None], *shaped).mean().item()

    assert score(0, 1) == pytest.approx(1 / math.sqrt(math.pi), rel=0.02)
    assert min(score(0, 0.2), score(0, 2), score(0.7, 1)) > 1.05 * score(0, 1)


def test_the_score_of_an_image_does_not_hang_on_the_other_images():
    net = AdversarialPair(size=16, channels=(8, 16), groups=4, patch=1)
    x = torch.rand(4, 1, 16, 16)
    with torch.no_grad():
        whole = gan.validation_loss(net, Batch(x), {}, draws(4))
        turned = gan.validation_loss(net, Batch(x.flip(0)), {}, draws(4))
    assert torch.allclose(whole, turned.flip(0), atol=1e-5)
