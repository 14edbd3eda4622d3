"""Latent diffusion in the latents of an autoencoder with a codebook: LDM-VQ.

Rombach et al., arXiv 2112.10752, sections 3.1 and 3.2; the autoencoder is that of van den Oord, Vinyals & Kavukcuoglu,
arXiv 1711.00937, with codes of length 1. The diffusion runs on latents before they are quantised, and quantising is the
decoder's first layer (Rombach et al., section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mribench.spec import Autoencoder, Batch, Draws, Profile, Stage, Update, Variant
from mribench.variants import ddpm
from mribench_latent import latent

if TYPE_CHECKING:
    import torch

    from mribench_latent.autoencoders import VQAutoencoder

CODES = 512  # K of van den Oord et al., section 4.1
COMMITMENT = 0.25  # their beta


def network(profile: Profile) -> VQAutoencoder:
    """The autoencoder."""
    from mribench_latent.autoencoders import VQAutoencoder

    return VQAutoencoder(num_vq_embeddings=CODES, **latent.shape(profile))


def loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """Squared error, codebook loss and commitment loss (van den Oord et al., equation 3), float32 (N,).

    diffusers' own loss is a mean over the batch, and weights the wrong one of the last two terms by beta.
    """
    decoded, z, codes = net(batch.x)
    codebook = latent.squared_error(z.detach(), codes)
    commitment = latent.squared_error(z, codes.detach())
    return latent.squared_error(decoded, batch.x) + codebook + COMMITMENT * commitment


def encode(net: VQAutoencoder, x: torch.Tensor) -> torch.Tensor:
    """Before quantisation, float32 (N, 4, H / 4, W / 4)."""
    return net.latents(x)


def decode(net: VQAutoencoder, z: torch.Tensor) -> torch.Tensor:
    """Images from the codes nearest to z, float32 (N, 1, H, W)."""
    return net.images(net.nearest(z)[0])


LDM_VQ = Variant(
    name="ldm-vq",
    title="Latent diffusion, VQ",
    paper="Rombach et al. 2022, arXiv 2112.10752",
    network=latent.network,
    scheduler=latent.scheduler,
    loss=ddpm.loss,
    autoencoder=Autoencoder(
        Stage("autoencoder", network, (Update(loss),), share=0.4), encode=encode, decode=decode
    ),
    version=2,  # 1: latents were clipped to the range of images, warm-ups were as long as the profile's
)
