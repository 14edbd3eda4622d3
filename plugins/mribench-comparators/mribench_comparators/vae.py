"""Variational autoencoder.

Kingma & Welling, Auto-Encoding Variational Bayes, arXiv 1312.6114. The variance of p(x | z), which the paper leaves to
the data, is one trained number (Rybkin et al., arXiv 2006.13202): it sets how much the code may cost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mribench.spec import Batch, Draws, GenerativeModel, Profile, Stage, Update

if TYPE_CHECKING:
    import torch
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

    from mribench_comparators.networks import VariationalAutoencoder


def network(profile: Profile) -> VariationalAutoencoder:
    """Encoder and decoder of the widths of the profile's U-Net."""
    from mribench_comparators.networks import VariationalAutoencoder, shape_of

    return VariationalAutoencoder(**shape_of(profile))


def elbo(
    x: torch.Tensor,
    posterior: DiagonalGaussianDistribution,
    mean: torch.Tensor,
    log_variance: torch.Tensor,
) -> torch.Tensor:
    """Evidence lower bound, equation 3 with one draw of z: E_q log p(x | z) - KL(q || p), nats, float32 (N,)."""
    squares = (x - mean).square().flatten(1)
    likelihood = -0.5 * (squares / log_variance.exp() + log_variance + math.log(2 * math.pi)).sum(1)
    return likelihood - posterior.kl()


def loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """The negative bound in nats per pixel."""
    posterior, mean, log_variance = net(batch.x, draws.normal(net.config.code))
    return -elbo(batch.x, posterior, mean, log_variance) / batch.x[0].numel()


def bound(nets: Mapping[str, Any], x: torch.Tensor, draws: Draws) -> torch.Tensor:
    """The evidence lower bound of log p(x), nats, float32 (N,)."""
    net = nets["vae"]
    return elbo(x, *net(x, draws.normal(net.config.code)))


def generate(nets: Mapping[str, Any], profile: Profile, draws: Draws) -> torch.Tensor:
    """The mean of p(x | z) for z from the prior; as is customary, its pixel noise is not added."""
    return nets["vae"].decoder(draws.normal(nets["vae"].config.code))


VAE = GenerativeModel(
    name="vae",
    title="VAE",
    paper="Kingma & Welling 2013, arXiv 1312.6114",
    stages=(Stage("vae", network, updates=(Update(loss),)),),
    generate=generate,
    version=2,  # 1: its warm-up was as long as the profile's
    log_likelihood=bound,
    likelihood_is_bound=True,
)
