"""EDM: preconditioning, and noise levels from a log-normal distribution; Karras et al. 2022, arXiv 2206.00364.

mribench draws t uniformly from 0 .. T - 1. Level t is therefore the quantile at (t + 0.5) / T of the paper's
ln sigma ~ N(P_mean, P_std^2): T equally likely levels from 0.0058 to 16, where the paper draws from the distribution
itself. Samplers start at the largest, 30 times the standard deviation of images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench.spec import Profile, Variant
from mribench.variants.ddpm import DDPM

if TYPE_CHECKING:
    import numpy as np
    import torch
    from diffusers import EDMEulerScheduler

TIMESTEPS = 1000
P_MEAN, P_STD = -1.2, 1.2  # table 1
SIGMA_DATA = 0.5  # of images in [-1, 1]


def scheduler(profile: Profile) -> EDMEulerScheduler:
    """c_skip, c_out, c_in and c_noise of table 1. Its own levels are not used: the paper trains on others."""
    from diffusers import EDMEulerScheduler

    return EDMEulerScheduler(num_train_timesteps=TIMESTEPS, sigma_data=SIGMA_DATA)


def level(t: torch.Tensor, timesteps: int) -> torch.Tensor:
    """sigma of timestep t, of the dtype of t."""
    import torch

    return torch.exp(P_MEAN + P_STD * torch.special.ndtri((t + 0.5) / timesteps))


def path(scheduler: Any) -> tuple[np.ndarray, np.ndarray]:
    """(1, sigma_t), float64 (T,) each: x = x_0 + sigma eps."""
    import torch

    steps = scheduler.config.num_train_timesteps
    sigma = level(torch.arange(steps, dtype=torch.float64), steps).numpy()
    return sigma**0, sigma


def estimate(
    net: Any, x_t: torch.Tensor, t: torch.Tensor, signal: torch.Tensor, sigma: torch.Tensor
) -> torch.Tensor:
    """D(x; sigma) = c_skip x + c_out F(c_in x, c_noise), equation 7; the network is told ln(sigma) / 4 for t."""
    c_in = (sigma**2 + SIGMA_DATA**2).rsqrt()
    out = net(c_in * x_t, sigma.flatten().log() / 4).sample.float()
    return (SIGMA_DATA * c_in) ** 2 * x_t + sigma * SIGMA_DATA * c_in * out


def loss(net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """lambda(sigma) || D(x_0 + sigma eps; sigma) - x_0 ||^2 per image, lambda = 1 / c_out^2, float32 (N,); eq. 2."""
    sigma = level(t.float(), scheduler.config.num_train_timesteps)[:, None, None, None]
    error = estimate(net, x0 + sigma * noise, t, sigma**0, sigma) - x0
    weight = (sigma**2 + SIGMA_DATA**2) / (sigma * SIGMA_DATA) ** 2
    return (weight * error.square()).mean(dim=(1, 2, 3))


EDM = Variant(
    name="edm",
    title="EDM",
    paper="Karras et al. 2022, arXiv 2206.00364",
    network=DDPM.network,
    scheduler=scheduler,
    loss=loss,
    process="edm",
    path=path,
    estimate=estimate,
    sampler="heun",
)
