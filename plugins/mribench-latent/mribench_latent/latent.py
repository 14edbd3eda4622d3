"""What both latent diffusion models share: the shape of the autoencoder, and the U-Net that denoises its latents.

Rombach et al., High-Resolution Image Synthesis with Latent Diffusion Models, arXiv 2112.10752. Their reconstruction
loss has a perceptual and an adversarial part, of networks that were trained on photographs; here it is the squared
error alone, so that the PSNR of the autoencoder says what its loss asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench.spec import Profile
from mribench.variants import ddpm
from mribench_latent.unet import unet

if TYPE_CHECKING:
    import torch
    from diffusers import DDPMScheduler

LEVELS = 3
FACTOR = 2 ** (LEVELS - 1)  # the side of an image over that of its latents: f = 4 in the paper's words
CHANNELS = 4  # of the latents
GROUPS = 8  # of the group norms


def shape(profile: Profile) -> dict[str, Any]:
    """The arguments that diffusers' autoencoders share; half the widths of the profile's U-Net."""
    widths = [max(GROUPS, width // 2) for width in profile.network.channels[:LEVELS]]
    return {
        "in_channels": 1,
        "out_channels": 1,
        "latent_channels": CHANNELS,
        "sample_size": profile.size,
        "block_out_channels": tuple(widths + widths[-1:] * (LEVELS - len(widths))),
        "layers_per_block": profile.network.layers_per_block,
        "norm_num_groups": GROUPS,
        "down_block_types": ("DownEncoderBlock2D",) * LEVELS,
        "up_block_types": ("UpDecoderBlock2D",) * LEVELS,
    }


def network(profile: Profile) -> Any:
    """The profile's U-Net on latents, without patches: an autoencoder has made them already."""
    return unet(profile, profile.size // FACTOR, CHANNELS, CHANNELS, patch=1)


def scheduler(profile: Profile) -> DDPMScheduler:
    """That of DDPM, but samplers do not clip x_0 to [-1, 1]: latents know no range."""
    made = ddpm.scheduler(profile)
    return type(made).from_config(made.config, clip_sample=False)


def squared_error(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The mean over each image, float32 (N,)."""
    return (x.float() - y.float()).square().mean(dim=(1, 2, 3))
