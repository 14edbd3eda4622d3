"""The best denoiser of a Gaussian is known, and where its residual leads."""

import pytest
import torch
from mribench_comparators import dae

from mribench.spec import Batch
from mribench.training.draws import BatchDraws

D, K = 64, 4  # pixels, and dimensions that the images have
AXES = torch.linalg.qr(torch.randn(D, K, generator=torch.Generator().manual_seed(0)))[0]


def draws(n, seed=0):
    return BatchDraws(torch.Generator().manual_seed(seed), n, slice(None))


def on_the_plane(y):
    """The best denoiser of images anywhere on a plane, which needs no level: the projection."""
    return (y.flatten(1) @ AXES @ AXES.T).view_as(y)


def test_the_climb_ends_on_the_plane_of_the_images_with_the_noise_falling_as_told():
    """A step lowers the level by 1 - beta h: from 20 to 0.05 in as many steps as there are."""
    levels = []

    def restore(y):
        levels.append((on_the_plane(y) - y).square().mean(dim=(1, 2, 3)).mean().sqrt().item())
        return on_the_plane(y)

    n = 400
    x = dae.climb(restore, dae.SIGMA_MAX * draws(n).normal(1, 8, 8), dae.SIGMA_MAX, draws(n, 1))
    assert (x - on_the_plane(x)).abs().max() < 1e-4
    share = ((D - K) / D) ** 0.5  # the plane has no residual
    assert levels[0] == pytest.approx(dae.SIGMA_MAX * share, rel=0.02)
    assert len(levels) == dae.STEPS + 1 == dae.DAE.nfe
    # fresh noise falls on the plane too, where it is no residual: the level falls a little faster
    assert dae.SIGMA_MIN / 2 < levels[-1] < dae.SIGMA_MIN * 1.05


def test_the_climb_draws_a_gaussian_from_its_own_denoiser():
    """Images of variance s^2 in every pixel: the level is read off the residual, and the draws have that variance."""
    s, n = 0.5, 2000

    def restore(y):
        # |y|^2 tells the level of an image of many pixels: s^2 + sigma^2
        size = y.square().mean(dim=(1, 2, 3), keepdim=True)
        return y * (s**2 / size).clamp(max=1)

    x = dae.climb(restore, dae.SIGMA_MAX * draws(n).normal(1, 8, 8), dae.SIGMA_MAX, draws(n, 1))
    assert x.std().item() == pytest.approx(s, rel=0.1)
    assert x.mean().item() == pytest.approx(0, abs=0.02)


def test_the_best_linear_denoiser_of_its_loss_is_wieners(monkeypatch):
    """At one level r(y) = C (C + sigma^2 I)^-1 y, and (r(y) - y) / sigma^2 is the score of the noisy images."""
    sigma, n = 0.5, 20_000
    monkeypatch.setattr(dae, "SIGMA_MIN", sigma)
    monkeypatch.setattr(dae, "SIGMA_MAX", sigma)
    monkeypatch.setattr(dae, "denoised", lambda net, y: net(y))
    root = torch.randn(4, 4, generator=torch.Generator().manual_seed(1)) * 0.5
    x = (draws(n).normal(4) @ root.T).view(n, 1, 2, 2)
    covariance = root @ root.T
    wiener = covariance @ torch.linalg.inv(covariance + sigma**2 * torch.eye(4))
    linear = torch.nn.Linear(4, 4, bias=False)
    optimizer = torch.optim.LBFGS(linear.parameters(), max_iter=100)

    def value():
        optimizer.zero_grad()
        net = torch.nn.Sequential(torch.nn.Flatten(), linear, torch.nn.Unflatten(1, (1, 2, 2)))
        mean = dae.loss(net, Batch(x), {}, draws(n, 2)).mean()
        mean.backward()
        return mean

    optimizer.step(value)
    assert (linear.weight - wiener).abs().max() < 0.02
    score = -torch.linalg.inv(covariance + sigma**2 * torch.eye(4))
    assert ((linear.weight - torch.eye(4)) / sigma**2 - score).abs().max() < 0.1


def test_the_network_is_not_told_the_level():
    """Two images and levels that add up to one y give one answer."""
    seen = []

    def net(x, t):
        seen.append((x, t))
        return type("Output", (), {"sample": x})

    y = 3 * draws(2).normal(1, 8, 8)
    dae.denoise({"denoiser": net}, y, 0.1, draws(2))
    dae.denoise({"denoiser": net}, y, 7.0, draws(2))
    assert all(torch.equal(a, b) for a, b in zip(*seen, strict=True))
    assert seen[0][0].square().mean(dim=(1, 2, 3)).tolist() == pytest.approx([1, 1], rel=1e-5)
    assert seen[0][1].min() > 0 and seen[0][1].max() < 1000
