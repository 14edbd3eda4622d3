"""DDPM whose network predicts the image; Salimans & Ho 2022, arXiv 2202.00512, section 4."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mribench.spec import Profile
from mribench.variants.ddpm import DDPM

if TYPE_CHECKING:
    import torch
    from diffusers import DDPMScheduler


def scheduler(profile: Profile) -> DDPMScheduler:
    """DDPM's forward process; samplers are told that the network predicts x_0."""
    return type(made := DDPM.scheduler(profile)).from_config(made.config, prediction_type="sample")


def loss(net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """|| x_0 - x_theta(x_t, t) ||^2 per image, float32 (N,), at equal weight for all t.

    In units of the noise's error this is the weight 1 / SNR, at the other end of the paper's truncated SNR.
    """
    x_t = scheduler.add_noise(x0, noise, t)
    return (net(x_t, t).sample.float() - x0).square().mean(dim=(1, 2, 3))


X0 = replace(
    DDPM,
    name="x0",
    title="DDPM, predicts x_0",
    paper="Salimans & Ho 2022, arXiv 2202.00512, section 4, at equal weight for all t",
    scheduler=scheduler,
    loss=loss,
)
