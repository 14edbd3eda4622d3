"""Reconstructions by a linear prior against closed forms, and what the board is made of."""

from types import SimpleNamespace

import pytest
import torch
from mribench_anomaly import baselines
from mribench_anomaly.anomaly import PROBLEM, seen
from mribench_anomaly.autoencoders import by_dae, by_vae, coarse_noise
from mribench_anomaly.methods import chessboard, inversion, noise_and_back, one_step, stitched

from mribench.seeds import torch_generator
from mribench.spec import Examples
from mribench.testing import conforms
from mribench.training.draws import BatchDraws

test_anoddpm = conforms("solvers", "anoddpm")
test_one_step = conforms("solvers", "one-step")
test_ddim_inversion = conforms("solvers", "ddim-inversion")
test_stitched = conforms("solvers", "stitched")
test_darkness = conforms("solvers", "darkness")
test_pca_residual = conforms("solvers", "pca-residual")
test_dae_residual = conforms("solvers", "dae-residual")
test_vae_residual = conforms("solvers", "vae-residual")

SIDE = 8
MEAN = 0.4


class Gaussian:
    """D(x; sigma) of N(mean, Q diag(v) Q^T) on images of 8 x 8 pixels, in closed form."""

    sigmas = (1e-3, 80.0)
    nfe = 0

    def __init__(self):
        draw = torch.Generator().manual_seed(0)
        self.axes = torch.linalg.qr(torch.randn(SIDE**2, SIDE**2, generator=draw))[0]
        self.variances = torch.logspace(-4, 0, SIDE**2)

    def posterior_mean(self, y, sigma):
        """E[x | x + sigma eps = y]: mean + C (C + sigma^2)^-1 (y - mean)."""
        weight = self.variances / (self.variances + sigma**2)
        return MEAN + ((y.flatten(1) - MEAN) @ self.axes * weight @ self.axes.T).view(y.shape)

    def __call__(self, x, sigma):
        return self.posterior_mean(x, float(sigma))


class Silent:
    """Draws whose noise is 0, the mean of noise."""

    def normal(self, *shape):
        return torch.zeros(3, *shape)


def images(n=3):
    return torch.rand(n, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


def draws_of(n):
    return BatchDraws(torch_generator("test"), n, slice(None))


@pytest.mark.parametrize("sigma", [0.05, 0.3, 1.5])
def test_noise_and_back_gives_on_average_the_posterior_mean_at_that_level(sigma):
    """Every step is linear, so that the answer without noise is the mean over noises."""
    prior, m = Gaussian(), seen(images(), 0.0, draws_of(3))
    found = noise_and_back(prior, m, Silent(), sigma=sigma)
    assert torch.allclose(found, prior.posterior_mean(m.y, sigma), atol=1e-5)


def test_one_step_gives_on_average_the_posterior_mean_at_that_level():
    prior, m = Gaussian(), seen(images(), 0.0, draws_of(3))
    assert torch.allclose(one_step(prior, m, Silent(), sigma=0.3), prior.posterior_mean(m.y, 0.3), atol=1e-5)


def test_noise_and_back_varies_as_a_draw_of_the_posterior_does():
    """Without a step between level and 0 it is the mean; with many it has the posterior's variance added twice over:
    once by the noise that is put in, once by the draw."""
    prior, sigma, n = Gaussian(), 0.5, 4000
    m = seen(torch.full((n, 1, SIDE, SIDE), MEAN), 0.0, draws_of(n))
    found = noise_and_back(prior, m, draws_of(n), sigma=sigma, steps=80)
    variance = ((found.flatten(1) - MEAN) @ prior.axes).var(0)
    weight = prior.variances / (prior.variances + sigma**2)
    expected = weight**2 * sigma**2 + weight * sigma**2
    strong = prior.variances > 1e-2
    assert torch.allclose(variance[strong] / expected[strong], torch.ones(int(strong.sum())), atol=0.15)


def test_inversion_comes_back_to_the_image_in_the_limit_of_small_steps():
    prior, m = Gaussian(), seen(images(), 0.0, draws_of(3))
    errors = [
        float((inversion(prior, m, draws_of(3), sigma=1.0, steps=n) - m.y).square().mean().sqrt())
        for n in (10, 20, 40, 80)
    ]
    # the last step goes from 0.01 to 0, where D forgets what varies less than that
    assert errors == sorted(errors, reverse=True) and errors[0] > 1.5 * errors[-1]


def test_one_patch_is_noise_and_back():
    prior, m = Gaussian(), seen(images(), 0.0, draws_of(3))
    found = stitched(prior, m, Silent(), sigma=0.5, patches=1)
    assert torch.allclose(found, noise_and_back(prior, m, Silent(), sigma=0.5), atol=1e-6)


def test_patches_are_drawn_beside_the_image_as_it_is():
    """Of independent pixels a patch knows nothing of its neighbours: stitched patches are noise and back."""
    prior, m = Gaussian(), seen(images(), 0.0, draws_of(3))
    prior.axes, prior.variances = torch.eye(SIDE**2), torch.full((SIDE**2,), 0.04)
    found = stitched(prior, m, Silent(), sigma=0.5, patches=4)
    assert torch.allclose(found, prior.posterior_mean(m.y, 0.5), atol=1e-5)


def test_a_patch_knows_the_person_from_the_image_beside_it():
    """Of people who differ in brightness alone noise and back forgets who it was, and patches do not."""
    prior = Gaussian()
    even = torch.full((SIDE**2, 1), SIDE**-1.0)
    prior.axes = torch.linalg.qr(torch.cat([even, prior.axes[:, 1:]], dim=1))[0]
    prior.variances = torch.full((SIDE**2,), 1e-4)
    prior.variances[0] = 0.05 * SIDE**2
    m = seen(torch.full((3, 1, SIDE, SIDE), MEAN + 0.3), 0.0, draws_of(3))
    forgotten = noise_and_back(prior, m, Silent(), sigma=10.0) - MEAN
    assert float(forgotten.mean()) < 0.02
    assert float(stitched(prior, m, Silent(), sigma=10.0, patches=4).mean()) > MEAN + 0.25


def test_patches_are_those_of_a_chessboard_and_cover_the_image_once():
    dark, light = chessboard((8, 8), 4, torch.zeros(()))
    assert torch.equal(dark + light, torch.ones(8, 8))
    assert dark[0, 0] == 0 and dark[0, 2] == 1 and dark[2, 2] == 0 and dark[1, 1] == 0
    assert len(chessboard((8, 8), 1, torch.zeros(()))) == 1


def test_principal_components_give_back_what_lies_in_their_plane():
    draw = torch.Generator().manual_seed(0)
    plane = torch.randn(4, SIDE**2, generator=draw)
    flat = 0.5 + 0.05 * torch.randn(50, 4, generator=draw) @ plane
    known = baselines.fit_components(
        Examples(flat.view(50, SIDE, SIDE).numpy(), None, None, 0, torch.device("cpu"))
    )
    inside = (0.5 + 0.05 * torch.randn(3, 4, generator=draw) @ plane).view(3, 1, SIDE, SIDE)
    lesion = torch.zeros(3, 1, SIDE, SIDE)
    lesion[:, :, 2:4, 2:4] = 0.3
    assert torch.allclose(baselines.projected(known, seen(inside, 0, None), None, 4), inside, atol=1e-4)
    found = baselines.projected(known, seen(inside + lesion, 0, None), None, 4)
    assert float((found - inside - lesion).abs()[lesion > 0].mean()) > 0.2


def test_coarse_noise_has_sixteen_grains_along_a_side():
    noise = coarse_noise(torch.zeros(64, 1, 64, 64), draws_of(64))
    assert noise.shape == (64, 1, 64, 64)

    def alike(pixels):
        return float((noise[..., pixels:] * noise[..., :-pixels]).mean() / noise.square().mean())

    # a pixel lies between two points of the grid, four pixels apart
    assert alike(1) > 0.8 and 0.1 < alike(4) < 0.5 and abs(alike(8)) < 0.05
    # on the points the noise is standard normal, between them it is less
    assert 0.3 < float(noise.var()) < 0.8
    # and no pixel of the image is always such a point
    many = coarse_noise(torch.zeros(4000, 1, 64, 64), draws_of(4000)).var(0)
    assert float(many.min()) > 0.75 * float(many.max())


def test_autoencoders_see_images_in_the_range_that_their_networks_know():
    x = images()

    def same(seen_image, t):
        assert -1 <= float(seen_image.min()) < 0 and float(t.abs().max()) == 0
        return SimpleNamespace(sample=seen_image)

    assert torch.allclose(by_dae(same, seen(x, 0.0, None), None), x, atol=1e-6)


def test_the_vae_gives_the_mean_of_its_decoder_for_the_mean_of_its_encoder():
    from mribench_comparators.networks import VariationalAutoencoder

    torch.manual_seed(0)
    net = VariationalAutoencoder(code=4, size=SIDE, channels=(8, 8), groups=4, patch=1).eval()
    x = images()
    _, mean, _ = net(2 * x - 1, torch.zeros(len(x), 4))
    assert torch.allclose(by_vae(net, seen(x, 0.0, None), None), (mean + 1) / 2, atol=1e-6)


def test_the_board_has_its_two_ends_and_the_baselines_that_cost_nothing():
    ends = {one.name: one.expected.place for one in (baselines.UNCHANGED, baselines.HEALTHY_TWIN)}
    assert ends == {"unchanged": "last", "healthy-twin": "ahead of last"}
    assert set(PROBLEM.controls) == {*ends, "darkness", "brightness", "pca-residual"} and not PROBLEM.restores
