"""Diffusion posterior sampling, DPS (Chung et al. 2023, arXiv 2209.14687, algorithm 1)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver
from mribench_inverse.steps import inner, noise_levels, renoised

if TYPE_CHECKING:
    import torch


def solve(
    denoiser: Denoiser, m: Measurement, draws: Draws, zeta: float = 8.0, steps: int = 100
) -> torch.Tensor:
    """Ancestral steps, each followed by one down the gradient of |y - A D(x)|.

    The paper's step is zeta on the variance-preserving x_t of images in [-1, 1]; on x_0 + sigma eps of images in [0, 1]
    that is zeta (1 + 4 sigma^2) / 2. Its zeta is one for 1,000 steps: with fewer it has to be larger. DPS does not draw
    from the posterior, also not for a Gaussian prior.

    Args:
        zeta: Step of the gradient.
        steps: Noise levels.
    """
    import torch

    levels = noise_levels(denoiser, steps)
    x = levels[0] * draws.normal(1, *m.shape)
    for sigma, smaller in pairwise(levels):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            x_0 = denoiser(x, sigma)
            difference = m.y - m.operator(x_0)
            residual = inner(difference, difference).sqrt()
            (gradient,) = torch.autograd.grad(residual.sum(), x)
        x = renoised(x_0.detach(), x.detach(), sigma, smaller, lambda x: draws.normal(*x.shape[1:]))
        x = x - zeta * (1 + 4 * sigma**2) / 2 * gradient
    return x


DPS = Solver(
    name="dps",
    title="diffusion posterior sampling",
    paper="Chung et al. 2023, arXiv:2209.14687",
    solve=solve,
    search=tuple({"zeta": zeta} for zeta in (1.0, 2.0, 4.0, 8.0, 16.0)),
)
