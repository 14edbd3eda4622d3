"""Reverse Markov chains whose variance is chosen: DDIM between ODE and chain, and the analytic variance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Integrator

if TYPE_CHECKING:
    import torch

ETA = 0.5


def ddim_eta(
    denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws, eta: float = ETA
) -> torch.Tensor:
    """Song et al. 2020, arXiv 2010.02502, equations 12 and 16: eta 0 is the ODE, eta 1 the ancestral chain."""
    for sigma, smaller in pairwise(sigmas):
        x_0 = denoise(x, sigma)
        fresh = eta * smaller * math.sqrt(1 - (smaller / sigma) ** 2)
        x = x_0 + math.sqrt(smaller**2 - fresh**2) * (x - x_0) / sigma
        if fresh > 0:
            x = x + fresh * draws.normal(*x.shape[1:])
    return x


def analytic(denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws) -> torch.Tensor:
    """Analytic-DPM: the ancestral chain with the best variance; Bao et al. 2022, arXiv 2201.06503, theorem 1.

    To the variance of q(x at the smaller level | x, x_0) comes that of x_0 given x, sigma^2 - E |x - D|^2 / d. The
    paper takes the mean over images and over the d pixels, once for a network; here it is over the pixels of the image
    itself, so that image i depends on (seed, i) alone. It is clipped to what images in [-1, 1] can have (corollary 1).
    """
    for sigma, smaller in pairwise(sigmas):
        x_0, kept = denoise(x, sigma), (smaller / sigma) ** 2
        error = (x - x_0).square().mean(dim=(1, 2, 3), keepdim=True)
        x = x_0 + kept * (x - x_0)
        if smaller > 0:
            unknown = (sigma**2 - error).clamp(0, 1)
            variance = smaller**2 * (1 - kept) + (1 - kept) ** 2 * unknown
            x = x + variance.sqrt() * draws.normal(*x.shape[1:])
    return x


DDIM_ETA = Integrator(
    "ddim-eta", "DDIM, eta 0.5", "Song et al. 2020, arXiv 2010.02502, equation 16", ddim_eta, 50
)
ANALYTIC = Integrator(
    "analytic-dpm", "Analytic-DPM", "Bao et al. 2022, arXiv 2201.06503, theorem 1", analytic, 50
)
