"""The autoencoders of latent diffusion: each term of their losses in closed form, and the kit."""

from types import SimpleNamespace

import pytest
import torch
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


def test_a_code_is_the_nearest_one_by_enumeration():
    net = made(LDM_VQ)
    _, z, codes = net(X)
    book = net.quantize.embedding.weight
    flat = z.permute(0, 2, 3, 1).reshape(-1, 1, latent.CHANNELS)
    nearest = book[(flat - book).square().sum(-1).argmin(-1)]
    assert torch.equal(codes.permute(0, 2, 3, 1).reshape(-1, latent.CHANNELS), nearest)
    assert len(torch.unique(nearest, dim=0)) > 1
    assert torch.allclose(net(X)[0], vq.decode(net, vq.encode(net, X)), atol=1e-5)


def test_commitment_moves_the_encoder_and_the_codebook_term_the_codes():
    """Each term's gradient has a closed form: 2 (z - e) / n for the latents, that of the codes without beta."""
    z = torch.randn(3, 4, 4, 4, requires_grad=True)
    codes = torch.randn(3, 4, 4, 4, requires_grad=True)

    def net(x):
        return x, z, codes

    vq.loss(net, Batch(X), {}, None).sum().backward()
    n = z[0].numel()
    assert torch.allclose(z.grad, vq.COMMITMENT * 2 * (z - codes).detach() / n)
    assert torch.allclose(codes.grad, 2 * (codes - z).detach() / n)


def test_the_gradient_passes_the_codes_straight_through():
    """The encoder learns from the reconstruction, though choosing a code has no derivative."""
    net = made(LDM_VQ)
    net(X)[0].square().sum().backward()
    assert net.encoder.conv_in.weight.grad.abs().max() > 0
    assert net.quantize.embedding.weight.grad is None


@pytest.mark.parametrize("variant", [LDM_KL, LDM_VQ], ids=lambda variant: variant.name)
def test_latents_have_a_quarter_of_the_side(variant):
    z = variant.autoencoder.encode(made(variant), X)
    assert z.shape == (3, latent.CHANNELS, 4, 4)
