"""Likelihood of images by the probability-flow ODE; Song et al. 2021, arXiv 2011.13456, section 4.3, equation 39.

With x = x_0 + sigma eps the ODE is dx = (x - D(x; sigma)) / sigma dsigma (Karras et al. 2022, arXiv 2206.00364,
equations 1 and 3), and along it d log p = -(d - tr dD/dx) / sigma dsigma in d dimensions. From an image at the smallest
level it runs to the largest, where p is taken to be N(0, sigma^2), from which samplers start.

Steps are equal in log sigma, and what is integrated is y = x / sqrt(sigma_data^2 + sigma^2), which is constant for
white Gaussian images. Of a Gaussian with variances from 0.003 to 1, 32 steps are off by less than 0.005 bits/dim.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch

from mribench.sampling.samplers import SIGMA_MAX
from mribench.seeds import torch_generator
from mribench.spec import Denoiser

SIGMA_MIN = 0.01  # of images in [-1, 1]: DDPM's smallest level, a little more than one grey level of 256
STEPS = 32
CHECKED = 8  # images on which the error is measured
SIGMA_DATA = 0.5  # about the standard deviation of images in [-1, 1]; Karras et al., table 1


def with_errors(
    denoise: Denoiser, x: torch.Tensor, seed: int, batch: int, advance: Callable[[int], object]
) -> dict[str, np.ndarray]:
    """What ``mribench.spec.Likelihood`` gives, of images (N, C, h, w) in the space of the denoiser.

    Args:
        denoise: The prior, differentiable.
        x: float32 (N, C, h, w).
        seed: Of the probes, signs at random; that of image i depends on (seed, i) alone.
        batch: How many images at once.
        advance: Is told how many images are done.
    """

    def estimated(rows: range, steps: int, which: int) -> np.ndarray:
        generators = (torch_generator("probe", seed, row, which) for row in rows)
        signs = torch.stack([torch.randint(2, x.shape[1:], generator=g) for g in generators])
        probe = (signs * 2.0 - 1).to(x.device)
        part = x[rows.start : rows.stop]
        return log_likelihood(denoise, part, levels(steps, denoise.sigmas), probe).cpu().numpy()

    parts = []
    for first in range(0, len(x), batch):
        rows = range(first, min(first + batch, len(x)))
        parts.append(estimated(rows, STEPS, 0))
        advance(rows.stop)
    few = range(min(CHECKED, len(x)))
    return {
        "nats": np.concatenate(parts),
        "half_the_steps": estimated(few, STEPS // 2, 0),
        "another_probe": estimated(few, STEPS, 1),
    }


def levels(steps: int, limits: tuple[float, float]) -> list[float]:
    """``steps`` + 1 ascending noise levels inside ``limits``, their logarithms at equal distances."""
    ends = max(SIGMA_MIN, limits[0]), min(SIGMA_MAX, limits[1])
    return np.geomspace(*ends, steps + 1).tolist()


def log_likelihood(
    denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], probe: torch.Tensor | None
) -> torch.Tensor:
    """log p(x) in nats, float64 (N,), of the density at level ``sigmas[0]``, by Heun's method.

    Args:
        denoise: The prior, differentiable.
        x: float32 or float64 (N, C, h, w).
        sigmas: Ascending noise levels.
        probe: Of the shape of x, independent with mean 0 and variance 1: Hutchinson's estimator of the trace with the
            same probe at all levels (Grathwohl et al. 2019, arXiv 1810.01367). None: the exact trace, for toys.
    """
    change = torch.zeros(len(x), dtype=torch.float64, device=x.device)
    y = x / _scale(sigmas[0])
    for sigma, larger in pairwise(sigmas):
        step = math.log(larger / sigma)
        slope, divergence = _slope_and_divergence(denoise, y, sigma, probe)
        its_slope, its_divergence = _slope_and_divergence(denoise, y + step * slope, larger, probe)
        y = y + step * (slope + its_slope) / 2
        change = change + step * (divergence + its_divergence) / 2
    # log N(x; 0, sigma^2) at the largest level
    z = (y.double() * _scale(sigmas[-1]) / sigmas[-1]).flatten(1)
    at_the_end = -0.5 * (z.square() + math.log(2 * math.pi * sigmas[-1] ** 2)).sum(1)
    return at_the_end + change


def _scale(sigma: float) -> float:
    return math.hypot(SIGMA_DATA, sigma)


def _slope_and_divergence(
    denoise: Denoiser, y: torch.Tensor, sigma: float, probe: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """dy / dlog sigma, of the shape of y, and the divergence of dx / dlog sigma, float64 (N,)."""
    scale = _scale(sigma)
    # detached at every level: the divergence needs the derivative of one evaluation, not of the path
    with torch.enable_grad():
        x = (y.detach() * scale).requires_grad_()
        x_0 = denoise(x, sigma)
        trace = _exact_trace(x_0, x) if probe is None else _along(probe, x_0, x)
    slope = ((SIGMA_DATA / scale) ** 2 * x - x_0) / scale
    return slope.detach(), x[0].numel() - trace


def _along(probe: torch.Tensor, x_0: torch.Tensor, x: torch.Tensor, keep: bool = False) -> torch.Tensor:
    """probe^T (dx_0 / dx) probe of each image, float64 (N,)."""
    (gradient,) = torch.autograd.grad(x_0, x, probe, retain_graph=keep)
    return (gradient.double() * probe).flatten(1).sum(1)


def _exact_trace(x_0: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    units = torch.eye(x[0].numel(), dtype=x.dtype, device=x.device).reshape(-1, 1, *x.shape[1:])
    return torch.stack([_along(unit.expand_as(x), x_0, x, keep=True) for unit in units]).sum(0)
