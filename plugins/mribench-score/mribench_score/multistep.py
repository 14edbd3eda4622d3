"""Linear multistep methods for the probability-flow ODE dx/dsigma = eps(x, sigma), eps = (x - D(x; sigma)) / sigma.

One evaluation a level: the slopes of earlier levels stand in for further ones. The transfer part of both papers is a
step of dx = eps dsigma at these levels, so that both hold for every forward process with a denoiser. (diffusers'
``DEISMultistepScheduler`` ends at the smallest level and not at 0, its ``PNDMScheduler`` knows no network that
predicts x_0, and both know diffusions alone.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import Polynomial

from mribench.spec import Denoiser, Draws, Integrator

if TYPE_CHECKING:
    import torch

ORDER = 3  # of DEIS: the polynomial is of second degree
RHO = 7  # DEIS interpolates in sigma^(1/7), in which the levels lie at equal distances
# Adams-Bashforth coefficients of equal steps, the newest slope first
ADAMS = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))


def deis(denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws) -> torch.Tensor:
    """tAB-DEIS of third order; Zhang & Chen 2022, arXiv 2204.13902, equations 14 and 15.

    eps is extrapolated by a polynomial in sigma^(1/7) through the last slopes and integrated exactly. The step to 0 is
    D itself.
    """
    slopes: list[torch.Tensor] = []
    for i, smaller in enumerate(sigmas[1:]):
        slopes = [_slope(denoise, x, sigmas[i]), *slopes[: ORDER - 1]]
        known = slopes[: 1 if smaller == 0 else ORDER]
        weights = _weights(sigmas[i - len(known) + 1 : i + 1][::-1], sigmas[i], smaller)
        x = x + sum(weight * slope for weight, slope in zip(weights, known, strict=True))
    return x


def pndm(denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws) -> torch.Tensor:
    """Pseudo linear multistep method; Liu et al. 2022, arXiv 2202.09778, equations 11 and 12.

    Its coefficients are those of equal steps, whatever the levels. It begins with the methods of lower order and not
    with Runge-Kutta steps (iPNDM of Zhang & Chen 2022, arXiv 2204.13902), and the step to 0 is D itself.
    """
    slopes: list[torch.Tensor] = []
    for sigma, smaller in pairwise(sigmas):
        slopes = [_slope(denoise, x, sigma), *slopes[: len(ADAMS) - 1]]
        weights = ADAMS[0 if smaller == 0 else len(slopes) - 1]
        x = x + (smaller - sigma) * sum(
            weight * slope for weight, slope in zip(weights, slopes, strict=False)
        )
    return x


def _slope(denoise: Denoiser, x: torch.Tensor, sigma: float) -> torch.Tensor:
    return (x - denoise(x, sigma)) / sigma


def _weights(known: Sequence[float], sigma: float, smaller: float) -> list[float]:
    """Integrals over sigma of the Lagrange polynomials in u = sigma^(1/7) through the known levels."""
    u, change = np.asarray(known) ** (1 / RHO), RHO * Polynomial([0, 1]) ** (RHO - 1)  # dsigma = 7 u^6 du
    found = []
    for i, node in enumerate(u):
        basis = Polynomial([1.0])
        for other in np.delete(u, i):
            basis = basis * Polynomial([-other, 1.0]) / (node - other)
        whole = (basis * change).integ()
        found.append(float(whole(smaller ** (1 / RHO)) - whole(sigma ** (1 / RHO))))
    return found


DEIS = Integrator("deis", "DEIS, third order", "Zhang & Chen 2022, arXiv 2204.13902", deis, 20)
PNDM = Integrator("pndm", "PNDM, linear multistep", "Liu et al. 2022, arXiv 2202.09778", pndm, 50)
