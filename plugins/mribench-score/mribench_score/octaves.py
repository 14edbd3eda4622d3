"""DDPM with noise in octaves, after AnoDDPM (Wyatt et al. 2022, doi:10.1109/CVPRW56347.2022.00080).

This is no simplex noise: each of its octaves is a Gaussian field in a band of frequencies one octave wide, with the
paper's amplitudes. Simplex noise is not Gaussian, and a sum of two is not simplex noise; only the probability-flow ODE
would reverse it. A tenth of the variance is white (``kernels``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mribench.variants.ddpm import DDPM
from mribench_score.kernels import filtered

if TYPE_CHECKING:
    import torch

OCTAVES, PERSISTENCE = 6, 0.8  # the paper's; amplitude of an octave over that of the next coarser one
COARSEST = 1 / 4  # of the image's side: the wavelength of the first octave, 64 of the paper's 256 pixels


def noise(white: torch.Tensor) -> torch.Tensor:
    """float32 (N, C, h, w) of unit variance: Gaussian octaves, and a tenth white."""
    return filtered(white, _power)


def _power(frequency: torch.Tensor, side: int) -> torch.Tensor:
    """Sum over octaves i of persistence^(2 i) / f_i^2 in a Gaussian band of log f around f_i, f_i = 2^i / wavelength.

    A band one octave wide has an area in proportion to f_i^2: each octave then has the variance persistence^(2 i).
    """
    import torch

    octave = torch.log2(frequency.clamp(min=1e-6) * COARSEST * side)
    return sum(PERSISTENCE ** (2 * i) * 4.0**-i * torch.exp(-2 * (octave - i) ** 2) for i in range(OCTAVES))


OCTAVES_OF_NOISE = replace(
    DDPM,
    name="octaves",
    title="DDPM, noise in octaves",
    paper="after Wyatt et al. 2022, AnoDDPM; Gaussian octaves in place of simplex noise, a tenth white",
    noise=noise,
    sampler="heun",
)
