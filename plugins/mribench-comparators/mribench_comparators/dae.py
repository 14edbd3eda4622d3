"""Denoising autoencoder that is not told the level of the noise, and the images that its residual leads to.

Vincent et al. 2008, doi:10.1145/1390156.1390294. The residual of the best denoiser is sigma^2 times the score (Alain &
Bengio, arXiv 1211.4246); Kadkhodaie & Simoncelli, arXiv 2007.13640, climb it while they read the level off the residual
itself. Without a level and a schedule given to the network it is the elder of the diffusion models, not one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mribench.spec import Batch, Draws, GenerativeModel, Profile, Stage, Update
from mribench.variants.ddpm import network

if TYPE_CHECKING:
    import torch

SIGMA_MIN, SIGMA_MAX = 0.05, 20.0  # of the noise, for images in [-1, 1]
STEPS = 63  # of the climb; one denoising follows
BETA = 0.5  # of the noise that a step removes, the share that is not put back


def denoised(net: Any, y: torch.Tensor) -> torch.Tensor:
    """x_0 from y = x_0 + sigma eps, (N, 1, H, W), by y alone.

    The network sees y at unit size, and that size where a diffusion model has its timestep: the network is the
    profile's own U-Net.
    """
    size = y.square().mean(dim=(1, 2, 3)).sqrt().clamp_min(1e-3)
    scaled = 1000 * (size.log() - math.log(SIGMA_MIN)) / math.log(2 * SIGMA_MAX / SIGMA_MIN)
    return net(y / size[:, None, None, None], scaled).sample.float()


def loss(net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
    """|x_0 - r(x_0 + sigma eps)|^2 (1 + 1 / sigma^2), sigma log-uniform; float32 (N,).

    The weight is signal-to-noise ratio + 1: without it large levels, where nothing can be known, would drown the small.
    """
    sigma = (SIGMA_MIN * (SIGMA_MAX / SIGMA_MIN) ** draws.uniform())[:, None, None, None]
    error = denoised(net, batch.x + sigma * draws.normal(*batch.x.shape[1:])) - batch.x
    return (error.square() * (1 + sigma**-2)).mean(dim=(1, 2, 3))


def climb(
    restore: Callable[[torch.Tensor], torch.Tensor], y: torch.Tensor, sigma: float, draws: Draws
) -> torch.Tensor:
    """Algorithm 1 of Kadkhodaie & Simoncelli at constant step; (N, C, H, W).

    y_t = y_{t-1} + h f(y_{t-1}) + gamma z with f(y) = restore(y) - y, its level |f|^2 / pixels, and
    gamma^2 = ((1 - beta h)^2 - (1 - h)^2) level: the level falls by 1 - beta h a step, from sigma to ``SIGMA_MIN``.
    """
    step = (1 - (SIGMA_MIN / sigma) ** (1 / STEPS)) / BETA
    for _ in range(STEPS):
        residual = restore(y) - y
        level = residual.square().mean(dim=(1, 2, 3), keepdim=True)
        fresh = ((1 - BETA * step) ** 2 - (1 - step) ** 2) * level
        y = y + step * residual + fresh.sqrt() * draws.normal(*y.shape[1:])
    return restore(y)


def generate(nets: Mapping[str, Any], profile: Profile, draws: Draws) -> torch.Tensor:
    """From noise of the largest level."""
    y = SIGMA_MAX * draws.normal(1, profile.size, profile.size)
    return climb(lambda y: denoised(nets["denoiser"], y), y, SIGMA_MAX, draws)


def denoise(nets: Mapping[str, Any], x: torch.Tensor, sigma: float, draws: Draws) -> torch.Tensor:
    """One evaluation; sigma is not used."""
    return denoised(nets["denoiser"], x)


DAE = GenerativeModel(
    name="dae",
    title="Denoising autoencoder",
    paper="Kadkhodaie & Simoncelli 2020, arXiv 2007.13640",
    stages=(Stage("denoiser", network, updates=(Update(loss),), coarse=True),),
    generate=generate,
    denoise=denoise,
    nfe=STEPS + 1,
)
