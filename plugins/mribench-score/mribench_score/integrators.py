"""Integrators of the probability-flow ODE and of the reverse SDE, on the denoiser D(x; sigma).

With x = x_0 + sigma eps the score is (D(x; sigma) - x) / sigma^2 and the probability-flow ODE
dx = (x - D(x; sigma)) / sigma dsigma (Karras et al. 2022, arXiv 2206.00364, equations 1 and 3): every forward process
with a denoiser is drawn from by the same lines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Integrator

if TYPE_CHECKING:
    import torch

# Karras et al. 2022, table 5, as chosen there for ImageNet; S_tmin and S_tmax bound the levels that are churned
S_CHURN, S_TMIN, S_TMAX, S_NOISE = 40.0, 0.05, 50.0, 1.003
SIGNAL_TO_NOISE = 0.16  # of a corrector's step; Song et al. 2021, arXiv 2011.13456, table 4
LANGEVIN_STEPS = 3  # at each level
LANGEVIN_STEP = 0.1  # of a step, over sigma^2


def euler(denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws) -> torch.Tensor:
    """Euler steps of the probability-flow ODE: DDIM (Song et al. 2020, arXiv 2010.02502, equation 13).

    Along ascending levels it encodes an image: DDIM inversion (section 4.3 there).
    """
    for sigma, smaller in pairwise(sigmas):
        x = x + (smaller - sigma) * _slope(denoise, x, sigma)
    return x


def heun(denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws) -> torch.Tensor:
    """Heun's second-order method, without a correction at the step to 0; algorithm 1 of Karras et al. 2022."""
    for sigma, smaller in pairwise(sigmas):
        x = _heun_step(denoise, x, sigma, smaller)
    return x


def churn(denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws) -> torch.Tensor:
    """Heun's method after a little fresh noise at each level; algorithm 2 of Karras et al. 2022."""
    gamma = min(S_CHURN / (len(sigmas) - 1), math.sqrt(2) - 1)
    for sigma, smaller in pairwise(sigmas):
        if S_TMIN <= sigma <= S_TMAX:
            larger = sigma * (1 + gamma)
            noise = S_NOISE * draws.normal(*x.shape[1:])
            x, sigma = x + math.sqrt(larger**2 - sigma**2) * noise, larger
        x = _heun_step(denoise, x, sigma, smaller)
    return x


def ancestral(denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws) -> torch.Tensor:
    """x from q(x at the smaller level | x, x_0 = D); Ho et al. 2020, arXiv 2006.11239, equation 7, with beta-tilde."""
    for sigma, smaller in pairwise(sigmas):
        x_0, kept = denoise(x, sigma), (smaller / sigma) ** 2
        x = x_0 + kept * (x - x_0)
        if smaller > 0:
            x = x + smaller * math.sqrt(1 - kept) * draws.normal(*x.shape[1:])
    return x


def langevin(denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws) -> torch.Tensor:
    """Annealed Langevin dynamics, then one call of D; Song & Ermon 2019, arXiv 1907.05600, algorithm 1."""
    for sigma in sigmas[:-1]:
        step = LANGEVIN_STEP * sigma**2
        for _ in range(LANGEVIN_STEPS):
            score = (denoise(x, sigma) - x) / sigma**2
            x = x + step * score + math.sqrt(2 * step) * draws.normal(*x.shape[1:])
    return denoise(x, sigmas[-2])


def predictor_corrector(
    denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws
) -> torch.Tensor:
    """Reverse diffusion steps, each followed by a Langevin step; Song et al. 2021, arXiv 2011.13456, algorithm 2.

    The paper's code takes the step from the lengths of noise and score, averaged over the batch. Here these are
    sqrt(d) and sqrt(d) / sigma, as in many dimensions: image i depends on (seed, i) alone.
    """
    for sigma, smaller in pairwise(sigmas):
        variance = sigma**2 - smaller**2
        x = x + variance * (denoise(x, sigma) - x) / sigma**2
        if smaller > 0:
            x = x + math.sqrt(variance) * draws.normal(*x.shape[1:])
            step, score = 2 * (SIGNAL_TO_NOISE * smaller) ** 2, (denoise(x, smaller) - x) / smaller**2
            x = x + step * score + math.sqrt(2 * step) * draws.normal(*x.shape[1:])
    return x


def _slope(denoise: Denoiser, x: torch.Tensor, sigma: float) -> torch.Tensor:
    return (x - denoise(x, sigma)) / sigma


def _heun_step(denoise: Denoiser, x: torch.Tensor, sigma: float, smaller: float) -> torch.Tensor:
    slope = _slope(denoise, x, sigma)
    there = x + (smaller - sigma) * slope
    if smaller > 0:
        there = x + (smaller - sigma) * (slope + _slope(denoise, there, smaller)) / 2
    return there


EULER = Integrator(
    "euler", "Euler, probability flow", "Song et al. 2020, arXiv 2010.02502; Karras et al. 2022", euler, 50
)
HEUN = Integrator(
    "heun",
    "Heun, probability flow",
    "Karras et al. 2022, arXiv 2206.00364, algorithm 1",
    heun,
    25,
    evaluations=2,
)
CHURN = Integrator(
    "churn", "Heun with churn", "Karras et al. 2022, arXiv 2206.00364, algorithm 2", churn, 25, evaluations=2
)
ANCESTRAL = Integrator(
    "ancestral", "Ancestral, any process", "Ho et al. 2020, arXiv 2006.11239, algorithm 2", ancestral, 100
)
LANGEVIN = Integrator(
    "langevin",
    "Annealed Langevin",
    "Song & Ermon 2019, arXiv 1907.05600, algorithm 1",
    langevin,
    50,
    evaluations=LANGEVIN_STEPS,
)
PREDICTOR_CORRECTOR = Integrator(
    "predictor-corrector",
    "Predictor-corrector",
    "Song et al. 2021, arXiv 2011.13456, algorithm 2",
    predictor_corrector,
    50,
    evaluations=2,
)
