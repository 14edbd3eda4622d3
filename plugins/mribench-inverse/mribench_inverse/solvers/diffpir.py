"""DiffPIR (Zhu et al. 2023, arXiv 2305.08995, algorithm 1)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver
from mribench_inverse.steps import data_prox, fine_levels

if TYPE_CHECKING:
    import torch


def solve(
    denoiser: Denoiser, m: Measurement, draws: Draws, weight: float = 7.0, zeta: float = 0.3, steps: int = 20
) -> torch.Tensor:
    """The denoised image is pulled to the data (equation 13) and noised again (equation 14).

    Args:
        weight: lambda; rho = lambda sigma_y^2 / sigma^2.
        zeta: Share of fresh noise; 0 keeps the noise that the image implies.
        steps: Noise levels.
    """
    levels = fine_levels(denoiser, steps)
    x = levels[0] * draws.normal(1, *m.shape)
    for sigma, smaller in pairwise(levels):
        x_0 = data_prox(m, denoiser(x, sigma), weight * m.sigma**2 / sigma**2)
        implied = (x - x_0) / sigma
        x = x_0
        if smaller > 0:
            fresh = draws.normal(1, *m.shape)
            x = x_0 + smaller * (math.sqrt(1 - zeta) * implied + math.sqrt(zeta) * fresh)
    return x


DIFFPIR = Solver(
    name="diffpir",
    title="DiffPIR",
    paper="Zhu et al. 2023, arXiv:2305.08995",
    solve=solve,
    version=2,  # 2: fewer levels, none wasted
    search=tuple(
        {"weight": weight, "zeta": zeta} for zeta in (0.3, 1.0) for weight in (1.0, 3.0, 10.0, 30.0)
    ),
)
