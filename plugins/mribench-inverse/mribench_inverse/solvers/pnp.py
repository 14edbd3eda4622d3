"""Plug-and-play by half-quadratic splitting (Zhang et al. 2021, arXiv 2008.13751, equations 6 and 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver
from mribench_inverse.steps import data_prox, geometric

if TYPE_CHECKING:
    import torch


def solve(
    denoiser: Denoiser,
    m: Measurement,
    draws: Draws,
    weight: float = 1.0,
    first: float = 0.5,
    last: float = 0.01,
    steps: int = 30,
) -> torch.Tensor:
    """x from the data and z from the prior in turn, with rho = lambda sigma_y^2 / sigma^2 at falling sigma.

    Args:
        weight: lambda, of the prior.
        first: The first sigma, in grey ranges.
        last: The last sigma.
        steps: Calls of the denoiser.
    """
    z = m.operator.adjoint(m.y)
    for sigma in geometric(first, max(last, denoiser.sigmas[0]), steps):
        z = denoiser(data_prox(m, z, weight * m.sigma**2 / sigma**2), sigma)
    return z


PNP = Solver(
    name="pnp",
    title="plug-and-play, half-quadratic splitting",
    paper="Zhang et al. 2021, arXiv:2008.13751",
    solve=solve,
    samples=False,
    search=tuple(
        {"weight": weight, "first": first} for first in (0.5, 2.0) for weight in (0.3, 1.0, 3.0, 10.0)
    ),
)
