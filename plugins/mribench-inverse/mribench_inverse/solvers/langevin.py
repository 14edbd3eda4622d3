"""Posterior sampling by annealed Langevin dynamics (Jalal et al. 2021, arXiv 2108.01368, equation 5)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver
from mribench_inverse.steps import fine_levels

if TYPE_CHECKING:
    import torch


def solve(
    denoiser: Denoiser, m: Measurement, draws: Draws, step: float = 0.1, repeats: int = 6, levels: int = 20
) -> torch.Tensor:
    """At each level steps along the score of prior and data, the data's variance being sigma_y^2 + sigma^2.

    Args:
        step: Length of a step over sigma^2.
        repeats: Steps at a level.
        levels: Noise levels.
    """
    sigmas = fine_levels(denoiser, levels)[:-1]
    x = sigmas[0] * draws.normal(1, *m.shape)
    for sigma in sigmas:
        length = step * sigma**2
        for _ in range(repeats):
            of_prior = (denoiser(x, sigma) - x) / sigma**2
            of_data = m.operator.adjoint(m.y - m.operator(x)) / (m.sigma**2 + sigma**2)
            x = x + length * (of_prior + of_data) + math.sqrt(2 * length) * draws.normal(1, *m.shape)
    return x


LANGEVIN = Solver(
    name="langevin-posterior",
    title="annealed Langevin dynamics on the posterior",
    paper="Jalal et al. 2021, arXiv:2108.01368",
    solve=solve,
    version=2,  # 2: fewer levels, none wasted, and six steps at each
    search=tuple({"step": step} for step in (0.1, 0.2, 0.3, 0.5)),
)
