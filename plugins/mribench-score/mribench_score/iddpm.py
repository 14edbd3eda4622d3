"""Improved DDPM: the network learns the variance of the reverse steps too; Nichol & Dhariwal 2021, arXiv 2102.09672.

The network has two outputs: what the profile says (eps in the paper), and v of equation 15, which only the sampler
``iddpm`` uses; integrators take the mean alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mribench.errors import InputError
from mribench.spec import Profile, Sampler, Variant
from mribench.variants.ddpm import DDPM
from mribench_score import cosine

if TYPE_CHECKING:
    import torch
    from diffusers import DDPMScheduler

WEIGHT = 1e-3  # lambda of L_hybrid
GREY = 1 / 255  # half the distance of two grey levels on [-1, 1]


def network(profile: Profile) -> Any:
    """The profile's U-Net with two outputs."""
    plain = DDPM.network(profile)
    return plain.from_config({**plain.config, "out_channels": 2})


def scheduler(profile: Profile) -> DDPMScheduler:
    """The cosine schedule, equation 17."""
    made = cosine.scheduler(profile)
    return type(made).from_config(made.config, variance_type="learned_range")


def loss(net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """L_hybrid = L_simple + lambda L_vlb, equation 16, float32 (N,).

    L_vlb, the sum of equation 4 over t, is T times the term at t, in bits per dimension as in the paper's code; lambda
    T = 1. It moves v alone: the mean's gradient is stopped (section 3.1).
    """
    x_t = scheduler.add_noise(x0, noise, t)
    mean, v = net(x_t, t).sample.float().chunk(2, dim=1)
    epsilon = scheduler.config.prediction_type == "epsilon"
    target = noise if epsilon else scheduler.get_velocity(x0, noise, t)
    found = predicted_x0(scheduler, mean.detach(), x_t, t)
    bits = WEIGHT * scheduler.config.num_train_timesteps * bound(scheduler, x0, x_t, t, found, v)
    return ((mean - target).square() + bits).mean(dim=(1, 2, 3))


def predicted_x0(scheduler: Any, mean: torch.Tensor, x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """x_0 from the first output, of the shape of x_t."""
    alpha_bar, _ = levels(scheduler, t)
    signal, sigma = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    if scheduler.config.prediction_type == "epsilon":
        return (x_t - sigma * mean) / signal
    return signal * x_t - sigma * mean


def bound(
    scheduler: Any, x0: torch.Tensor, x_t: torch.Tensor, t: torch.Tensor, found: torch.Tensor, v: torch.Tensor
) -> torch.Tensor:
    """L_t of equation 4 in bits for each pixel, of the shape of x0.

    KL(q(x_(t-1) | x_t, x_0) || p(x_(t-1) | x_t)), equation 6; at t = 0 - log p(x_0 | x_1) of an image of 256 grey
    levels.
    """
    import torch

    alpha_bar, before = levels(scheduler, t)
    beta = 1 - alpha_bar / before
    posterior = log_posterior_variance(scheduler, t)
    log_variance = interpolated(posterior, beta.log(), v)
    # equation 10, the mean of q(x_(t-1) | x_t, x_0), and of p with x_0 as the network says
    off = before.sqrt() * beta / (1 - alpha_bar) * (found - x0)
    divergence = 0.5 * (
        log_variance - posterior - 1 + (posterior - log_variance).exp() + off.square() * (-log_variance).exp()
    )
    surprise = -log_likelihood(x0, x0 + off, log_variance)
    return torch.where(t[:, None, None, None] == 0, surprise, divergence) / math.log(2)


def interpolated(posterior: torch.Tensor, log_beta: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Log variance between beta-tilde at v = -1 and beta at v = 1; equation 15, v scaled as in diffusers."""
    share = (v + 1) / 2
    return share * log_beta + (1 - share) * posterior


def levels(scheduler: Any, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """alpha_bar at t and at t - 1 (1 before the first), float32 (N, 1, 1, 1); t int64 (N,)."""
    alpha_bar = scheduler.alphas_cumprod.to(t.device)
    before = alpha_bar[(t - 1).clamp(min=0)].where(t > 0, alpha_bar.new_ones(()))
    return alpha_bar[t][:, None, None, None], before[:, None, None, None]


def log_posterior_variance(scheduler: Any, t: torch.Tensor) -> torch.Tensor:
    """log beta-tilde, equation 9, float32 (N, 1, 1, 1); at t = 0, where it is -inf, that of t = 1."""
    alpha_bar, before = levels(scheduler, t.clamp(min=1))
    return ((1 - before) / (1 - alpha_bar) * (1 - alpha_bar / before)).log()


def log_likelihood(x0: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """Of a grey level of 256 on [-1, 1] under a Gaussian, nats; Ho et al. 2020, arXiv 2006.11239, equation 13."""
    import torch

    precision = (-0.5 * log_variance).exp()
    upper, lower = (torch.special.ndtr(precision * (x0 - mean + step)) for step in (GREY, -GREY))
    # the first and the last grey level reach to infinity
    upper, lower = torch.where(x0 > 0.999, 1.0, upper), torch.where(x0 < -0.999, 0.0, lower)
    return (upper - lower).clamp(min=1e-12).log()


def ancestral(config: Any) -> DDPMScheduler:
    """Algorithm 2 of Ho et al. with the learned variance, on any subsequence of timesteps (section 4)."""
    from diffusers import DDPMScheduler

    return DDPMScheduler.from_config(config, timestep_spacing="linspace")


def timesteps(scheduler: Any, steps: int, start: int | None) -> list[int]:
    """At equal distances from T - 1, or from ``start`` with the stride of a full run, down to 0.

    As the paper's code spaces them: diffusers adds noise in every step but that of timestep 0, and a last step with
    noise would leave it in the image. Raises InputError for one step, which would take noise for timestep 0.
    """
    import numpy as np

    if steps < 2:
        raise InputError("iddpm-1 has one step, expected two or more: the first and the last timestep")
    if start is None:
        scheduler.set_timesteps(steps)
    else:
        stride = (scheduler.config.num_train_timesteps - 1) / max(1, steps - 1)
        chosen = np.linspace(start, 0, 1 + max(1, round(start / stride)))
        scheduler.set_timesteps(timesteps=sorted(set(chosen.round().astype(int).tolist()), reverse=True))
    return scheduler.timesteps.tolist()


IDDPM = Variant(
    name="iddpm",
    title="Improved DDPM, learned variance",
    paper="Nichol & Dhariwal 2021, arXiv 2102.09672",
    network=network,
    scheduler=scheduler,
    loss=loss,
    process="diffusion with a learned variance",
)
ANCESTRAL = Sampler(
    name="iddpm",
    title="Ancestral, learned variance",
    paper="Nichol & Dhariwal 2021, arXiv 2102.09672, section 4",
    scheduler=ancestral,
    timesteps=timesteps,
    default_steps=50,
    version=2,  # 1 left noise in the image where the last timestep was not 0
    process="diffusion with a learned variance",
)
