"""Come closer, diffuse faster, CCDF (Chung et al. 2022, arXiv 2112.05146, equations 8 to 10)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver
from mribench_inverse.steps import data_prox, noise_levels, renoised

if TYPE_CHECKING:
    import torch


def solve(
    denoiser: Denoiser,
    m: Measurement,
    draws: Draws,
    first: float = 0.3,
    rho: float = 0.01,
    steps: int = 15,
) -> torch.Tensor:
    """Ancestral steps with replacement, from a first answer that is noised a little and not from pure noise.

    Args:
        first: Noise level of the beginning, in grey ranges; the first answer is least squares with a small weight.
        rho: Weight of x beside the measurement, in every replacement.
        steps: Noise levels.
    """
    levels = noise_levels(denoiser, steps, first)
    x = data_prox(m, m.operator.adjoint(m.y), rho) + levels[0] * draws.normal(1, *m.shape)
    for sigma, smaller in pairwise(levels):
        x = renoised(denoiser(x, sigma), x, sigma, smaller, lambda x: draws.normal(*x.shape[1:]))
        x = data_prox(m, x, rho)
    return x


CCDF = Solver(
    name="ccdf",
    title="come closer, diffuse faster",
    paper="Chung et al. 2022, arXiv:2112.05146",
    solve=solve,
    version=2,
    search=tuple({"first": first, "rho": rho} for first in (0.1, 0.3, 1.0) for rho in (0.01, 0.1)),
)
