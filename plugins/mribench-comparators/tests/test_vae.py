"""A linear VAE is probabilistic PCA (Lucas et al. 2019, arXiv 1911.02469), whose likelihood and axes are known."""

import math

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from mribench_comparators.networks import VariationalAutoencoder
from mribench_comparators.vae import VAE, elbo, loss

from mribench.spec import Batch
from mribench.training.draws import BatchDraws

D, K, N = 16, 3, 4000
VARIANCE = 0.05  # of the noise


class Linear(torch.nn.Module):
    """x -> N(V x, diag), z -> W z, with the parameters of p(x | z) as the VAE has them."""

    def __init__(self, code=K):
        super().__init__()
        self.encode = torch.nn.Linear(D, code)
        self.spread = torch.nn.Parameter(torch.zeros(code))
        self.decode = torch.nn.Linear(code, D)
        self.log_variance = torch.nn.Parameter(torch.zeros(()))
        self.config = type("Config", (), {"code": code})

    def forward(self, x, noise):
        mean = self.encode(x.flatten(1))
        posterior = DiagonalGaussianDistribution(
            torch.cat([mean, self.spread.expand_as(mean)], dim=1)[:, :, None, None]
        )
        z = mean + posterior.std[:, :, 0, 0] * noise
        return posterior, self.decode(z).view_as(x), self.log_variance


@pytest.fixture(scope="module")
def data():
    """(N, 1, 4, 4) of K axes and noise."""
    draw = torch.Generator().manual_seed(0)
    axes = torch.linalg.qr(torch.randn(D, K, generator=draw))[0] * torch.tensor([1.0, 0.7, 0.5])
    x = torch.randn(N, K, generator=draw) @ axes.T + math.sqrt(VARIANCE) * torch.randn(N, D, generator=draw)
    return (x + 0.3).view(N, 1, 4, 4)


@pytest.fixture(scope="module")
def pca(data):
    """Maximum likelihood of probabilistic PCA (Tipping & Bishop 1999): mean, axes (D, K), their variances, the noise's,
    and the log-likelihood in nats per image."""
    x = data.flatten(1).double().numpy()
    values, axes = np.linalg.eigh(np.cov(x.T, ddof=0))
    values, axes = values[::-1], axes[:, ::-1]
    noise = values[K:].mean()
    spent = D * math.log(2 * math.pi) + np.log(values[:K]).sum() + (D - K) * math.log(noise) + D
    return x.mean(0), axes[:, :K], values[:K], noise, -0.5 * spent


def bound(net, x, seed=0):
    draws = BatchDraws(torch.Generator().manual_seed(seed), len(x), slice(None))
    with torch.no_grad():
        return -loss(net, Batch(x), {}, draws).mean().item() * D


def set_to(net, pca):
    """The optimum in closed form: W = U (Lambda - s I)^1/2, V = W^T / Lambda, variances s / Lambda."""
    mean, axes, values, noise, _ = (torch.tensor(np.array(part)).float() for part in pca)
    weights = axes * (values - noise).sqrt()
    with torch.no_grad():
        net.decode.weight.copy_(weights)
        net.decode.bias.copy_(mean)
        net.encode.weight.copy_((weights / values).T)
        net.encode.bias.copy_(-(weights / values).T @ mean)
        net.spread.copy_((noise / values).log())
        net.log_variance.copy_(noise.log())
    return net


def test_at_the_optimum_of_probabilistic_pca_the_bound_is_its_log_likelihood(data, pca):
    x = data.repeat(10, 1, 1, 1)
    assert bound(set_to(Linear(), pca), x) == pytest.approx(pca[-1], abs=0.05)


def test_training_finds_the_axes_the_noise_and_the_likelihood(data, pca):
    torch.manual_seed(0)
    net = Linear()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 600)
    draw = torch.Generator().manual_seed(1)
    for _ in range(600):
        rows = torch.randint(N, (256,), generator=draw)
        batch = Batch(data[rows])
        optimizer.zero_grad()
        loss(net, batch, {}, BatchDraws(draw, 256, slice(None))).mean().backward()
        optimizer.step()
        schedule.step()
    mine = np.linalg.qr(net.decode.weight.detach().double().numpy())[0]
    cosines = np.linalg.svd(mine.T @ pca[1], compute_uv=False)
    assert np.degrees(np.arccos(cosines.min().clip(max=1))) < 5
    assert net.log_variance.exp().item() == pytest.approx(pca[3], rel=0.05)
    assert bound(net, data) == pytest.approx(pca[-1], abs=0.15)


def test_the_divergence_of_the_posterior_is_that_of_two_gaussians():
    posterior = DiagonalGaussianDistribution(torch.tensor([[0.5, -1.0, 0.2, -0.4]])[:, :, None, None])
    x = torch.zeros(1, 1, 2, 2)
    exact = sum(0.5 * (mean**2 + math.exp(log) - 1 - log) for mean, log in ((0.5, 0.2), (-1.0, -0.4)))
    got = elbo(x, posterior, x, torch.zeros(()))
    assert got.item() == pytest.approx(-2 * math.log(2 * math.pi) - exact, rel=1e-5)


def test_its_own_network_gives_a_bound_for_each_image():
    net = VariationalAutoencoder(size=16, channels=(8, 16), groups=4, patch=1)
    draws = BatchDraws(torch.Generator().manual_seed(0), 3, slice(None))
    assert loss(net, Batch(torch.zeros(3, 1, 16, 16)), {}, draws).shape == (3,)
    assert VAE.stages[0].share == 1
