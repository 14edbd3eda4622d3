"""The sub-VP SDE; Song et al. 2021, arXiv 2011.13456, section 3.4.

Signal as in the VP SDE, whose discretisation is DDPM, and less noise: x_t = sqrt(alpha_bar) x_0 + (1 - alpha_bar) eps.
alpha_bar is that of DDPM's betas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench.spec import Profile, Variant
from mribench.variants.ddpm import DDPM

if TYPE_CHECKING:
    import numpy as np
    import torch
    from diffusers import DDPMScheduler


def scheduler(profile: Profile) -> DDPMScheduler:
    """beta from 0.1 / T to 20 / T, as in the paper's appendix C. The network predicts the noise."""
    return type(made := DDPM.scheduler(profile)).from_config(made.config, prediction_type="epsilon")


def path(scheduler: Any) -> tuple[np.ndarray, np.ndarray]:
    """(sqrt(alpha_bar), 1 - alpha_bar), float64 (T,) each; equation 29 of the paper."""
    alpha_bar = scheduler.alphas_cumprod.double().cpu().numpy()
    return alpha_bar**0.5, 1 - alpha_bar


def estimate(
    net: Any, x_t: torch.Tensor, t: torch.Tensor, signal: torch.Tensor, sigma: torch.Tensor
) -> torch.Tensor:
    """x_0 = (x_t - sigma eps_theta) / signal: Tweedie's formula, with the score - eps_theta / sigma."""
    return (x_t - sigma * net(x_t, t).sample.float()) / signal


def loss(net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """|| eps_theta - eps ||^2 per image, float32 (N,): equation 7 with the paper's weight lambda = sigma^2."""
    # stays where the images are, as in ``add_noise``
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.to(x0.device)
    alpha_bar = scheduler.alphas_cumprod[t][:, None, None, None]
    x_t = alpha_bar.sqrt() * x0 + (1 - alpha_bar) * noise
    return (net(x_t, t).sample.float() - noise).square().mean(dim=(1, 2, 3))


SUB_VP = Variant(
    name="sub-vp",
    title="sub-VP SDE",
    paper="Song et al. 2021, arXiv 2011.13456",
    network=DDPM.network,
    scheduler=scheduler,
    loss=loss,
    process="sub-vp",
    path=path,
    estimate=estimate,
    sampler="heun",
)
