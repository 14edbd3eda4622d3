"""DDPM with coarse noise, after Kascenas et al. 2023, arXiv 2301.08330, who upsample noise of a lower resolution.

Pure coarse noise would never destroy fine detail, so that nothing would learn to draw it: a tenth of the variance is
white (``kernels``), and a Gaussian low-pass stands in place of bilinear upsampling.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from mribench.variants.ddpm import DDPM
from mribench_score.kernels import filtered

if TYPE_CHECKING:
    import torch

LENGTH = 1 / 32  # of the image's side: standard deviation of the blur, 2 pixels of 64


def noise(white: torch.Tensor) -> torch.Tensor:
    """float32 (N, C, h, w) of unit variance: white noise blurred by a Gaussian, and a tenth white."""
    return filtered(white, _power)


def _power(frequency: torch.Tensor, side: int) -> torch.Tensor:
    """Of a Gaussian blur: exp(-(2 pi f s)^2), s in pixels."""
    import torch

    return torch.exp(-((2 * math.pi * LENGTH * side * frequency) ** 2))


COARSE = replace(
    DDPM,
    name="coarse",
    title="DDPM, coarse noise",
    paper="after Kascenas et al. 2023, arXiv 2301.08330; a Gaussian field with a tenth of white noise",
    noise=noise,
    sampler="heun",
)
