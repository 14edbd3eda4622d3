"""The autoencoders of latent diffusion: each term of their losses in closed form, and the kit."""

from types import SimpleNamespace

import torch
from mribench_latent import kl, latent
from mribench_latent.kl import LDM_KL

from mribench.spec import Batch, Network
from mribench.testing import conforms

test_ldm_kl = conforms("variants", "ldm-kl")

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


def test_latents_have_a_quarter_of_the_side():
    z = LDM_KL.autoencoder.encode(made(LDM_KL), X)
    assert z.shape == (3, latent.CHANNELS, 4, 4)
