"""Decomposed diffusion sampling, DDS (Chung et al. 2024, arXiv 2303.05754, algorithm 2)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver
from mribench_inverse.steps import data_prox, noise_levels

if TYPE_CHECKING:
    import torch

CG_STEPS = 5


def solve(
    denoiser: Denoiser, m: Measurement, draws: Draws, gamma: float = 0.05, eta: float = 0.85, steps: int = 30
) -> torch.Tensor:
    """A few conjugate gradients from the denoised image towards the data, then a DDIM step.

    The noise that is kept is the one that the prior saw, not the one that the corrected image would imply.

    Args:
        gamma: Weight of the denoised image: (A*A + gamma) x = A* y + gamma D; 1 / gamma in the paper.
        eta: Share of fresh noise in the DDIM step.
        steps: Noise levels.
    """
    levels = noise_levels(denoiser, steps)
    x = levels[0] * draws.normal(1, *m.shape)
    for sigma, smaller in pairwise(levels):
        denoised = denoiser(x, sigma)
        seen = (x - denoised) / sigma
        x = data_prox(m, denoised, gamma, CG_STEPS)
        if smaller > 0:
            x = x + smaller * (math.sqrt(1 - eta**2) * seen + eta * draws.normal(1, *m.shape))
    return x


DDS = Solver(
    name="dds",
    title="decomposed diffusion sampling",
    paper="Chung et al. 2024, arXiv:2303.05754",
    solve=solve,
    search=tuple({"gamma": gamma, "eta": eta} for eta in (0.15, 0.85) for gamma in (0.01, 0.05, 0.2, 1.0)),
)
