"""What several solvers have in common: noise levels, conjugate gradients, the proximal step of the data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Measurement

if TYPE_CHECKING:
    import torch

    Map = Callable[[torch.Tensor], torch.Tensor]

LEAST, LARGEST = 0.005, 20.0  # noise levels of a sampling from noise, in grey ranges
COARSEST = 3.0  # above it an image shows little but its mean
RHO = 7.0


def noise_levels(denoiser: Denoiser, steps: int, first: float = LARGEST) -> list[float]:
    """Descending levels from ``first``, then 0: Karras et al. 2022, arXiv 2206.00364, equation 5."""
    least, largest = max(LEAST, denoiser.sigmas[0]), min(first, denoiser.sigmas[1])
    ends = largest ** (1 / RHO), least ** (1 / RHO)
    part = [i / max(steps - 1, 1) for i in range(steps)]
    return [*((ends[0] + t * (ends[1] - ends[0])) ** RHO for t in part), 0.0]


def fine_levels(denoiser: Denoiser, steps: int) -> list[float]:
    """``LARGEST``, then ``noise_levels`` from ``COARSEST``: of 30 that begin at ``LARGEST`` ten lie above that.

    Not for all solvers: those that step down a gradient, as DPS, come less far at fewer levels, and what replacement
    puts into a box is less at peace with its surroundings.
    """
    return [*noise_levels(denoiser, 1)[:1], *noise_levels(denoiser, steps - 1, COARSEST)]


def geometric(first: float, last: float, steps: int) -> list[float]:
    """Levels between two, at equal ratios."""
    return [first * (last / first) ** (i / max(steps - 1, 1)) for i in range(steps)]


def inner(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Real inner product of each row, float32 (N, 1, ...)."""
    product = (a.conj() * b).real if a.is_complex() else a * b
    return product.flatten(1).sum(1).view(-1, *(1,) * (a.ndim - 1))


def conjugate_gradients(apply: Map, b: torch.Tensor, x: torch.Tensor, steps: int) -> torch.Tensor:
    """``steps`` of the way from x to the solution of ``apply(x) = b``; ``apply`` is symmetric and positive definite.

    Each row has steps of its own, and rests once it is there, or where ``apply`` turns out not to be positive: the
    Jacobian of a trained denoiser is not quite, and a step against its curvature would have no end.
    """
    residual = b - apply(x)
    direction, squared = residual, inner(residual, residual)
    enough = 1e-12 * inner(b, b)
    going = squared > enough
    for _ in range(steps):
        image = apply(direction)
        curvature = inner(direction, image)
        going = going & (squared > enough) & (curvature > 0)
        step = (squared / curvature.clamp_min(1e-30)).where(going, squared.new_zeros(()))
        x, residual = x + step * direction, residual - step * image
        before, squared = squared, inner(residual, residual)
        direction = residual + squared / before.clamp_min(1e-30) * direction
    return x


def data_prox(m: Measurement, x: torch.Tensor, rho: float, steps: int = 20) -> torch.Tensor:
    """argmin_z |y - A z|^2 + rho |z - x|^2, float32 (N, 1, H, W): (A*A + rho) z = A* y + rho x."""
    return conjugate_gradients(
        lambda z: m.operator.adjoint(m.operator(z)) + rho * z, m.operator.adjoint(m.y) + rho * x, x, steps
    )


def renoised(x_0: torch.Tensor, x: torch.Tensor, sigma: float, smaller: float, noise: Map) -> torch.Tensor:
    """A draw of q(x at the smaller level | x at sigma, x_0); Ho et al. 2020, arXiv 2006.11239, equation 7."""
    kept = (smaller / sigma) ** 2
    return x_0 + kept * (x - x_0) + smaller * math.sqrt(1 - kept) * noise(x)
