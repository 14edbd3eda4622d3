"""Noise that is correlated between pixels: a stationary Gaussian field on the torus, from white noise by its spectrum.

The map is linear and no frequency is left without noise: sums of such noises are such noise, so that start noise, the
loss's noise and the fresh noise of an integrator are one kind, and the process forgets the finest detail too. Opposite
edges of an image are neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

FLOOR = 0.1  # share of the variance that is white


def filtered(white: torch.Tensor, power: Callable[[torch.Tensor, int], torch.Tensor]) -> torch.Tensor:
    """float32 (N, C, h, w) of unit variance at every pixel, with the spectrum of ``power`` over a white floor.

    Args:
        white: standard normal, float32 (N, C, h, w).
        power: from frequencies, cycles per pixel (h, w // 2 + 1), and the side to power up to a factor.
    """
    import torch

    height, width = white.shape[2:]
    fy = torch.fft.fftfreq(height, device=white.device)[:, None]
    fx = torch.fft.rfftfreq(width, device=white.device)
    shape = power((fy.square() + fx.square()).sqrt(), width)
    # the sum over all frequencies, of which rfft leaves out the mirrored half
    twice = torch.full_like(fx, 2.0)
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    mean = (shape * twice).sum() / (height * width)
    gain = ((1 - FLOOR) * shape / mean + FLOOR).sqrt()
    return torch.fft.irfft2(torch.fft.rfft2(white.float()) * gain, s=(height, width))
