"""Replacement of what was measured, at every noise level (Song et al. 2022, arXiv 2111.08005, algorithm 2)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver
from mribench_inverse.steps import conjugate_gradients, noise_levels, renoised

if TYPE_CHECKING:
    import torch


def solve(
    denoiser: Denoiser, m: Measurement, draws: Draws, rho: float = 0.01, steps: int = 30
) -> torch.Tensor:
    """Before each ancestral step x is moved to where A x is the measurement, noised to the level of x.

    Args:
        rho: Weight of x beside the measurement, lambda = 1 / (1 + rho) in the paper where A A* is a projection.
        steps: Noise levels.
    """
    levels = noise_levels(denoiser, steps)
    x = levels[0] * draws.normal(1, *m.shape)
    for sigma, smaller in pairwise(levels):
        noised = m.y + m.operator(sigma * draws.normal(1, *m.shape))
        x = conjugate_gradients(
            lambda z: m.operator.adjoint(m.operator(z)) + rho * z,
            m.operator.adjoint(noised) + rho * x,
            x,
            steps=20,
        )
        x = renoised(denoiser(x, sigma), x, sigma, smaller, lambda x: draws.normal(*x.shape[1:]))
    return x


REPLACEMENT = Solver(
    name="replacement",
    title="replacement of the measured part",
    paper="Song et al. 2022, arXiv:2111.08005",
    solve=solve,
    search=tuple({"rho": rho} for rho in (0.01, 0.1, 1.0, 10.0)),
)
