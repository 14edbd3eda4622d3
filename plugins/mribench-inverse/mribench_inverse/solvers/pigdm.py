"""Pseudoinverse-guided diffusion, PiGDM (Song et al. 2023, ICLR, openreview 9_gsMA8MRKQ, equations 7 and 8)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver
from mribench_inverse.steps import conjugate_gradients, noise_levels, renoised

if TYPE_CHECKING:
    import torch


def solve(
    denoiser: Denoiser, m: Measurement, draws: Draws, spread: float = 0.5, steps: int = 30, cg_steps: int = 10
) -> torch.Tensor:
    """Ancestral steps with the score of the data, x_0 given x having the covariance r^2 of white noise.

    Args:
        spread: Standard deviation s of grey values; r^2 = sigma^2 s^2 / (sigma^2 + s^2).
        steps: Noise levels.
        cg_steps: Conjugate gradients on r^2 A A* + sigma_y^2.
    """
    import torch

    levels = noise_levels(denoiser, steps)
    x = levels[0] * draws.normal(1, *m.shape)
    for sigma, smaller in pairwise(levels):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            denoised = denoiser(x, sigma)
        variance = sigma**2 * spread**2 / (sigma**2 + spread**2)

        def of_data(u: torch.Tensor, variance=variance) -> torch.Tensor:
            return variance * m.operator(m.operator.adjoint(u)) + m.sigma**2 * u

        difference = m.y - m.operator(denoised.detach())
        u = conjugate_gradients(of_data, difference, torch.zeros_like(difference), cg_steps)
        (score,) = torch.autograd.grad(denoised, x, m.operator.adjoint(u))
        x_0 = denoised.detach() + sigma**2 * score
        x = renoised(x_0, x.detach(), sigma, smaller, lambda x: draws.normal(*x.shape[1:]))
    return x


PIGDM = Solver(
    name="pigdm",
    title="pseudoinverse-guided diffusion",
    paper="Song et al. 2023, https://openreview.net/forum?id=9_gsMA8MRKQ",
    solve=solve,
    search=tuple({"spread": spread} for spread in (0.1, 0.25, 0.5)),
)
