"""DDPM as in the study: linear betas, plain MSE, epsilon prediction (v where a profile says so, see profiles.py).

Ho, Jain & Abbeel, Denoising Diffusion Probabilistic Models, arXiv 2006.11239. What the study leaves unsaid is taken
from there: T = 1000, beta from 1e-4 to 0.02, reverse variance beta-tilde (``fixed_small``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench.errors import InputError
from mribench.spec import Profile, Variant

if TYPE_CHECKING:
    import torch
    from diffusers import DDPMScheduler, UNet2DModel

    from mribench.networks import PatchUNet2DModel

TIMESTEPS = 1000


def network(profile: Profile) -> UNet2DModel | PatchUNet2DModel:
    """The U-Net of a profile, one channel in and out. Raises InputError where size and levels do not fit."""
    from diffusers import UNet2DModel

    from mribench.networks import PatchUNet2DModel

    net = profile.network
    levels = len(net.channels)
    # the coarse steps of a profile see half the side
    smallest = net.patch * 2 ** (levels - 1) * (2 if profile.coarse_steps else 1)
    if profile.size % smallest:
        raise InputError(
            f"image size {profile.size} does not fit a U-Net of {levels} levels on patches of {net.patch}; "
            f"use a multiple of {smallest} or fewer levels"
        )
    attends = [level in net.attention_levels for level in range(levels)]
    shape = {
        "sample_size": profile.size,
        "in_channels": 1,
        "out_channels": 1,
        "block_out_channels": net.channels,
        "layers_per_block": net.layers_per_block,
        "norm_num_groups": net.norm_groups,
        "attention_head_dim": net.head_dim,
        "down_block_types": tuple("AttnDownBlock2D" if a else "DownBlock2D" for a in attends),
        "up_block_types": tuple("AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)),
    }
    return UNet2DModel(**shape) if net.patch == 1 else PatchUNet2DModel(patch=net.patch, **shape)


def scheduler(profile: Profile) -> DDPMScheduler:
    """q(x_t | x_0) with linear betas; equations 2 and 4 of the paper."""
    from diffusers import DDPMScheduler

    return DDPMScheduler(
        num_train_timesteps=TIMESTEPS,
        beta_start=1e-4,
        beta_end=0.02,
        beta_schedule="linear",
        prediction_type=profile.prediction,
        variance_type="fixed_small",
    )


def loss(net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """L_simple, equation 14: || eps - eps_theta(x_t, t) ||^2 per image, float32 (N,); v in place of eps where a profile
    says so."""
    x_t = scheduler.add_noise(x0, noise, t)
    epsilon = scheduler.config.prediction_type == "epsilon"
    target = noise if epsilon else scheduler.get_velocity(x0, noise, t)
    return (net(x_t, t).sample.float() - target).square().mean(dim=(1, 2, 3))


DDPM = Variant(
    name="ddpm",
    title="DDPM",
    paper="Ho et al. 2020, arXiv 2006.11239",
    network=network,
    scheduler=scheduler,
    loss=loss,
)
