"""The autoencoders of latent diffusion: each term of their losses in closed form, and the kit."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, DDPMScheduler
from mribench_latent import kl, latent, vq
from mribench_latent.kl import LDM_KL
from mribench_latent.vq import LDM_VQ

from mribench.spec import Batch, Network
from mribench.testing import conforms

test_ldm_kl = conforms("variants", "ldm-kl")
test_ldm_vq = conforms("variants", "ldm-vq")

PROFILE = SimpleNamespace(size=16, network=Network(channels=(16, 32), layers_per_block=1))
X = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


class Seeded:
    """Random numbers of a test, three rows."""

    def normal(self, *shape):
        return torch.randn((3, *shape), generator=torch.Generator().manual_seed(1))


def made(variant):
    torch.manual_seed(0)
    return variant.autoencoder.stage.network(PROFILE)


def test_the_kl_term_is_that_of_a_gaussian(monkeypatch):
    """torch.distributions knows KL(N(mu, std) || N(0, 1))."""
    monkeypatch.setattr(kl, "KL_WEIGHT", 1.0)  # else it would be lost beside the error
    net = made(LDM_KL)
    posterior = net.encode(X).latent_dist
    exact = torch.distributions.kl_divergence(
        torch.distributions.Normal(posterior.mean, posterior.std), torch.distributions.Normal(0.0, 1.0)
    ).sum(dim=(1, 2, 3))
    z = posterior.mean + posterior.std * Seeded().normal(*posterior.mean.shape[1:])
    error = (net.decode(z).sample - X).square().mean(dim=(1, 2, 3))
    assert torch.allclose(kl.loss(net, Batch(X), {}, Seeded()), error + kl.KL_WEIGHT * exact, rtol=1e-5)
    assert exact.min() > 1


@pytest.mark.parametrize("variant", [LDM_KL, LDM_VQ], ids=lambda variant: variant.name)
def test_latents_have_a_quarter_of_the_side(variant):
    z = variant.autoencoder.encode(made(variant), X)
    assert z.shape == (3, latent.CHANNELS, 4, 4)


@pytest.mark.parametrize("scheduler", [DDIMScheduler, DDPMScheduler])
def test_samplers_do_not_clip_latents(scheduler):
    """A sampler that takes its settings from the training's scheduler comes to x_0 = 3 where v says 3."""
    profile = SimpleNamespace(prediction="v_prediction")
    for variant in (LDM_KL, LDM_VQ):
        sampler = scheduler.from_config(variant.scheduler(profile).config)
        sampler.set_timesteps(1)
        alpha_bar = sampler.alphas_cumprod[0]
        x_0, x_t = torch.full((1, 4, 2, 2), 3.0), torch.zeros(1, 4, 2, 2)
        v = (alpha_bar.sqrt() * x_t - x_0) / (1 - alpha_bar).sqrt()
        assert torch.allclose(sampler.step(v, 0, x_t).prev_sample, x_0, atol=1e-3)


def test_a_latent_takes_the_code_at_the_smallest_angle():
    net = made(LDM_VQ)
    z = torch.randn(3, latent.CHANNELS, 4, 4, generator=torch.Generator().manual_seed(2))
    codes, index = net.nearest(z)
    book = net.quantize.embedding.weight
    angles = F.cosine_similarity(z.movedim(1, -1)[..., None, :], book, dim=-1)
    assert (angles.argmax(-1) == index).all()
    assert torch.allclose(codes.movedim(1, -1), F.normalize(book, dim=1)[index])
    assert torch.allclose(net.latents(X).norm(dim=1), torch.ones(3, 4, 4))


def test_each_term_of_the_codebook_loss_moves_its_own_side():
    """Van den Oord et al., equation 3: the second term moves codes alone, the third the encoder alone, by beta."""
    net = made(LDM_VQ)
    with torch.no_grad():
        z = net.latents(X)
        apart = (z - net.nearest(z)[0]).square().mean(dim=(1, 2, 3))
        error = (net.images(net.nearest(z)[0]) - X).square().mean(dim=(1, 2, 3))
    loss = vq.loss(net, Batch(X), {}, Seeded())
    assert torch.allclose(loss, error + (1 + vq.COMMITMENT) * apart, rtol=1e-4)
    loss.sum().backward()
    moved = net.quantize.embedding.weight.grad.clone()
    net.zero_grad()
    z, book = net.latents(X).detach(), net.quantize.embedding.weight
    (z - net.nearest(z)[0]).square().mean(dim=(1, 2, 3)).sum().backward()
    assert torch.allclose(moved, book.grad, rtol=1e-4, atol=1e-8)


def test_the_gradient_of_an_image_passes_its_codes_as_if_they_were_the_latents():
    net = made(LDM_VQ)
    seen = []
    net.quant_conv.register_forward_hook(lambda module, args, out: out.retain_grad() or seen.append(out))
    net(X)[0].square().sum().backward()
    z = seen[0].detach().requires_grad_()
    unit = F.normalize(z, dim=1)
    codes = net.nearest(unit)[0].detach().requires_grad_()
    (slope,) = torch.autograd.grad(net.images(codes).square().sum(), codes)
    (wanted,) = torch.autograd.grad(unit, z, slope)
    assert torch.allclose(seen[0].grad, wanted, rtol=1e-3, atol=1e-6) and wanted.abs().max() > 1e-4


def test_a_short_training_brings_codes_and_latents_together():
    """Codes of any length need several times as many steps, and may be a code or two by then."""
    net = made(LDM_VQ)
    adam, generator = torch.optim.Adam(net.parameters(), lr=2e-3), torch.Generator().manual_seed(3)
    for _ in range(60):
        smooth = F.interpolate(torch.randn(16, 1, 5, 5, generator=generator), 16, mode="bilinear")
        adam.zero_grad()
        loss = vq.loss(net, Batch(smooth.clamp(-1, 1)), {}, Seeded()).mean()
        loss.backward()
        adam.step()
    assert loss < 0.25  # 0.36 with codes of any length
