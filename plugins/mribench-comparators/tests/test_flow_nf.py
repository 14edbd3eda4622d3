"""An exact likelihood: against the determinant by automatic differentiation, and against a Gaussian."""

import math

import numpy as np
import pytest
import torch
from mribench_comparators import flow_nf
from mribench_comparators.couplings import Flow
from mribench_comparators.flow_nf import GREYS, log_likelihood, loss

from mribench.spec import Batch
from mribench.training.draws import BatchDraws


def draws(n, seed=0):
    return BatchDraws(torch.Generator().manual_seed(seed), n, slice(None))


@pytest.fixture
def flow():
    """Of random weights, as after some training."""
    torch.manual_seed(0)
    net = Flow(size=8, channels=(16, 16), groups=4, steps=4).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return net


def test_it_is_its_own_inverse_to_1e5(flow):
    x = torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        z, _ = flow(x)
        assert z.shape == (16, 64) and not torch.allclose(z, x.flatten(1), atol=0.1)
        assert (flow.inverse(z) - x).abs().max() < 1e-5


def test_its_volume_is_the_determinant_of_its_jacobian(flow):
    x = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    jacobian = torch.autograd.functional.jacobian(lambda x: flow(x.view(1, 1, 8, 8))[0][0], x.flatten())
    _, volume = flow(x)
    assert volume.item() == pytest.approx(torch.linalg.slogdet(jacobian.double())[1].item(), abs=1e-3)
    assert abs(volume.item()) > 0.5


def test_at_first_it_is_a_rotation_and_its_likelihood_the_standard_normal():
    torch.manual_seed(0)
    x = torch.randn(5, 1, 8, 8)
    with torch.no_grad():
        z, volume = Flow(size=8, channels=(16, 16), groups=4)(x)
    exact = torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(dim=(1, 2, 3))
    assert torch.allclose(log_likelihood(z, volume), exact, atol=1e-3)


def test_trained_on_a_gaussian_its_likelihood_is_the_gaussians():
    """Of one correlated, scaled and shifted pair of neighbours in every row: -log p per pixel is the entropy."""
    draw = torch.Generator().manual_seed(0)
    root = torch.tensor([[0.3, 0.0], [0.2, 0.15]])

    def gaussian(n):
        return (torch.randn(n, 8, 2, generator=draw) @ root.T).view(n, 1, 4, 4) - 0.4

    entropy = 0.5 * math.log(2 * math.pi * math.e) + 0.5 * math.log(0.3 * 0.15)
    torch.manual_seed(0)
    net = Flow(size=4, channels=(8,), groups=4, steps=2)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 150)
    for _ in range(150):
        optimizer.zero_grad()
        z, volume = net(gaussian(128))
        (-log_likelihood(z, volume).mean() / 16).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        nats = -log_likelihood(*net(gaussian(4000))).mean().item() / 16
    assert nats == pytest.approx(entropy, abs=0.03)


def test_the_loss_counts_nats_of_the_discrete_grey():
    """A density that is uniform on [-1, 1] gives every grey the probability 1 / 256, whatever the image."""

    class Uniform:
        def __call__(self, x):
            assert x.min() >= -1 and x.max() < 1
            z = torch.zeros(len(x), x[0].numel())
            volume = z.shape[1] * (0.5 * math.log(2 * math.pi) - math.log(2))
            return z, torch.full((len(x),), volume)

    greys = torch.tensor(np.random.default_rng(0).integers(0, GREYS, (3, 1, 8, 8)))
    greys[0, 0, 0, :2] = torch.tensor([0, GREYS - 1])
    x = greys.float() / 127.5 - 1
    assert torch.allclose(loss(Uniform(), Batch(x), {}, draws(3)), torch.tensor(math.log(GREYS)), atol=1e-4)


def test_every_grey_that_is_drawn_is_one_of_256():
    torch.manual_seed(0)
    net = Flow(size=8, channels=(16, 16), groups=4)
    profile = type("Profile", (), {"size": 8})
    x = flow_nf.generate({"flow": net.eval()}, profile, draws(4)).detach()
    greys = (x + 1) * 127.5
    assert x.shape == (4, 1, 8, 8) and torch.allclose(greys, greys.round(), atol=1e-3)
    assert greys.min() >= 0 and greys.max() <= GREYS - 1


def test_the_likelihood_is_the_loss_in_another_unit(flow):
    """Of an image between its greys, where both take the same place between them."""
    grey, u = torch.randint(256, (3, 1, 8, 8)).float(), draws(3).uniform(1, 8, 8)
    nats = flow_nf.FLOW.log_likelihood({"flow": flow}, (grey + u - 0.5) / 127.5 - 1, draws(3))
    per_pixel = loss(flow, Batch(grey / 127.5 - 1), {}, draws(3))
    assert torch.allclose(math.log(127.5) - nats / 64, per_pixel, atol=1e-4)
