"""Latent diffusion in the latents of a variational autoencoder with a small KL term: LDM-KL.

Rombach et al., arXiv 2112.10752, sections 3.1 and 3.2; the autoencoder is that of Kingma & Welling, arXiv 1312.6114.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mribench.spec import Autoencoder, Batch, Draws, Profile, Stage, Update, Variant
from mribench.variants import ddpm
from mribench_latent import latent

if TYPE_CHECKING:
    import torch

    from mribench_latent.autoencoders import KLAutoencoder

# of the KL divergence in nats, summed over the latents of an image, beside the mean squared error of a pixel in [-1, 1]
KL_WEIGHT = 1e-6


def network(profile: Profile) -> KLAutoencoder:
    """The autoencoder."""
    from mribench_latent.autoencoders import KLAutoencoder

    return KLAutoencoder(**latent.shape(profile))


def loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """-ELBO up to factors (Kingma & Welling, equation 7): squared error and a little KL, float32 (N,)."""
    height, width = batch.x.shape[-2:]
    noise = draws.normal(latent.CHANNELS, height // latent.FACTOR, width // latent.FACTOR)
    decoded, divergence = net(batch.x, noise)
    return latent.squared_error(decoded, batch.x) + KL_WEIGHT * divergence.float()


def encode(net: KLAutoencoder, x: torch.Tensor) -> torch.Tensor:
    """The mean of q(z|x), float32 (N, 4, H / 4, W / 4)."""
    return net.encode(x).latent_dist.mean


def decode(net: KLAutoencoder, z: torch.Tensor) -> torch.Tensor:
    """Images, float32 (N, 1, H, W)."""
    return net.decode(z).sample


LDM_KL = Variant(
    name="ldm-kl",
    title="Latent diffusion, KL",
    paper="Rombach et al. 2022, arXiv 2112.10752",
    network=latent.network,
    scheduler=latent.scheduler,
    loss=ddpm.loss,
    autoencoder=Autoencoder(
        Stage("autoencoder", network, (Update(loss),), share=0.4), encode=encode, decode=decode
    ),
    version=2,  # 1: latents were clipped to the range of images, warm-ups were as long as the profile's
)
