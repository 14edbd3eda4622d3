"""The variance-exploding SDE; Song et al. 2021, arXiv 2011.13456, section 3.4 and appendix C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench.spec import Profile, Variant
from mribench.variants.ddpm import DDPM

if TYPE_CHECKING:
    import numpy as np
    import torch
    from diffusers import ScoreSdeVeScheduler

TIMESTEPS = 1000
# the paper's 0.01 to 50, of images in [0, 1], on images in [-1, 1]
SIGMA_MIN, SIGMA_MAX = 0.02, 100.0


def scheduler(profile: Profile) -> ScoreSdeVeScheduler:
    """The geometric levels of the forward process."""
    from diffusers import ScoreSdeVeScheduler

    return ScoreSdeVeScheduler(num_train_timesteps=TIMESTEPS, sigma_min=SIGMA_MIN, sigma_max=SIGMA_MAX)


def level(t: torch.Tensor, config: Any) -> torch.Tensor:
    """sigma_min (sigma_max / sigma_min)^(t / (T - 1)), equation 30 of appendix C, of the dtype of t."""
    ratio = config.sigma_max / config.sigma_min
    return config.sigma_min * ratio ** (t / (config.num_train_timesteps - 1))


def path(scheduler: Any) -> tuple[np.ndarray, np.ndarray]:
    """(1, sigma_t), float64 (T,) each: x_t = x_0 + sigma_t eps; equation 31, but for its - sigma_min^2."""
    import numpy as np

    sigma = level(np.arange(scheduler.config.num_train_timesteps, dtype=np.float64), scheduler.config)
    return sigma**0, sigma


def estimate(
    net: Any, x_t: torch.Tensor, t: torch.Tensor, signal: torch.Tensor, sigma: torch.Tensor
) -> torch.Tensor:
    """x_0 = x_t - sigma eps_theta: Tweedie's formula, with the score - eps_theta / sigma."""
    return x_t - sigma * _noise(net, x_t, t, sigma)


def loss(net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """|| eps_theta - eps ||^2 per image, float32 (N,): equation 7 with the paper's weight lambda = sigma^2."""
    sigma = level(t.float(), scheduler.config)[:, None, None, None]
    return (_noise(net, x0 + sigma * noise, t, sigma) - noise).square().mean(dim=(1, 2, 3))


def _noise(net: Any, x_t: torch.Tensor, t: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """eps_theta(x_t, t).

    The network sees x_t at about unit variance; the paper's sees x_t itself, up to 100 times as large.
    """
    return net(x_t * (1 + sigma**2).rsqrt(), t).sample.float()


VE = Variant(
    name="ve",
    title="VE SDE",
    paper="Song et al. 2021, arXiv 2011.13456",
    network=DDPM.network,
    scheduler=scheduler,
    loss=loss,
    process="ve",
    path=path,
    estimate=estimate,
    sampler="heun",
)
