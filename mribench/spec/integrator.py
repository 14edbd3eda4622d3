"""A trained prior's one face, the denoiser D(x; sigma), and integrators that draw images with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mribench.spec.stage import Draws

if TYPE_CHECKING:
    import torch


class Denoiser(Protocol):
    """D(x; sigma) = E[x_0 | x_0 + sigma eps = x], differentiable (Karras et al. 2022, arXiv 2206.00364, section 2).

    One face for every forward process and every output of a network; ``nfe`` counts its calls.
    """

    sigmas: tuple[float, float]  # the least and the largest that it was trained for
    nfe: int

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor, /) -> torch.Tensor:
        """float32 of the shape of x (N, C, h, w).

        sigma: in the unit of x, a number or float32 (N,).
        """


class Integrate(Protocol):
    """x_0 from noise, float32 (N, C, h, w).

    Args:
        denoise: The prior, in the space and grey range that its process runs in: [-1, 1] on pixels.
        x: float32 (N, C, h, w), at noise level ``sigmas[0]``: x_0 + sigma eps.
        sigmas: Noise levels to visit, descending; the last one is 0.
        draws: Random numbers, a row for each image.
    """

    def __call__(
        self, denoise: Denoiser, x: torch.Tensor, sigmas: Sequence[float], draws: Draws, /
    ) -> torch.Tensor: ...


@dataclass(frozen=True)
class Integrator:
    """A sampler on D(x; sigma): it draws from every variant with a denoiser, whatever its forward process.

    ``NAME-20`` visits 20 noise levels; the number of network evaluations is counted.
    """

    name: str
    title: str
    paper: str
    integrate: Integrate
    default_steps: int  # where a name carries no number
    version: int = 1
    evaluations: int = 1  # of the network at each level, about
