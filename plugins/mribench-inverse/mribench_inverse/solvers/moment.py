"""Posterior sampling by moment matching (Boys et al. 2024, arXiv 2310.06721, equations 12 and 13)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver
from mribench_inverse.steps import conjugate_gradients, fine_levels, renoised

if TYPE_CHECKING:
    import torch


def solve(
    denoiser: Denoiser, m: Measurement, draws: Draws, steps: int = 20, cg_steps: int = 3
) -> torch.Tensor:
    """Ancestral steps with the mean of x_0 given x and y.

    Given x alone, x_0 has the mean D and the covariance V = sigma^2 dD/dx (Tweedie), so that given y too its mean is
    D + V A* (A V A* + sigma_y^2)^-1 (y - A D): exact for a Gaussian prior, where steps are small.

    Args:
        steps: Noise levels.
        cg_steps: Products with V at a level, each as dear as a gradient of D.
    """
    import torch

    levels = fine_levels(denoiser, steps)
    x = levels[0] * draws.normal(1, *m.shape)
    for sigma, smaller in pairwise(levels):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            denoised = denoiser(x, sigma)

        def covariance(z: torch.Tensor, x=x, denoised=denoised, sigma=sigma) -> torch.Tensor:
            # dD/dx of an optimal denoiser is symmetric
            return sigma**2 * torch.autograd.grad(denoised, x, z, retain_graph=True)[0]

        def of_data(u: torch.Tensor, covariance=covariance) -> torch.Tensor:
            return m.operator(covariance(m.operator.adjoint(u))) + m.sigma**2 * u

        difference = m.y - m.operator(denoised.detach())
        u = conjugate_gradients(of_data, difference, torch.zeros_like(difference), cg_steps)
        x_0 = denoised.detach() + covariance(m.operator.adjoint(u))
        x = renoised(x_0, x.detach(), sigma, smaller, lambda x: draws.normal(*x.shape[1:]))
    return x


MOMENT = Solver(
    name="moment-matching",
    title="moment matching",
    paper="Boys et al. 2024, arXiv:2310.06721",
    solve=solve,
    version=2,  # 2: fewer levels, none wasted
)
