"""RePaint (Lugmayr et al. 2022, arXiv 2201.09865, algorithm 1), for any linear measurement."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver
from mribench_inverse.steps import data_prox, noise_levels, renoised

if TYPE_CHECKING:
    import torch


def solve(
    denoiser: Denoiser, m: Measurement, draws: Draws, repeats: int = 5, steps: int = 20, rho: float = 1e-3
) -> torch.Tensor:
    """At each level ``repeats`` times: an ancestral step, what was measured put in at that level, and back up.

    The paper puts in pixels, where A is a mask: here the nearest image to x at which A x is the noised measurement.
    Going back up lets what was put in and what was drawn come to terms, which plain replacement does not.

    Args:
        repeats: r of the paper; 1 is replacement.
        steps: Noise levels.
        rho: Weight of x beside the measurement.
    """
    levels = noise_levels(denoiser, steps)
    x = levels[0] * draws.normal(1, *m.shape)
    for sigma, smaller in pairwise(levels):
        for repeat in range(repeats if smaller > 0 else 1):
            x_0 = denoiser(x, sigma)
            x = renoised(x_0, x, sigma, smaller, lambda x: draws.normal(*x.shape[1:]))
            noise = draws.normal(1, *m.shape)
            x = smaller * noise + data_prox(m, x - smaller * noise, rho)
            if repeat + 1 < repeats and smaller > 0:
                x = x + math.sqrt(sigma**2 - smaller**2) * draws.normal(1, *m.shape)
    return x


REPAINT = Solver(
    name="repaint",
    title="RePaint",
    paper="Lugmayr et al. 2022, arXiv:2201.09865",
    solve=solve,
    kinds=("inpaint", "superres", "mri"),
    search=({"repeats": 2, "steps": 30}, {"repeats": 5, "steps": 12}, {"repeats": 10, "steps": 6}),
)
