"""Linear operators A with their adjoints; images are real and lie in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import avg_pool2d, interpolate


@dataclass(frozen=True)
class Fourier:
    """Samples of the Fourier transform of each coil's image: y = M F S x, orthonormal, zero frequency first.

    As x is real, and the phase of the object a part of the maps, the adjoint is the real part of S* F* M y.
    """

    mask: torch.Tensor  # float32 (N, 1, 1, W), 1 where a line is sampled
    maps: torch.Tensor  # complex64 (N, coils, H, W), sum over coils of |S|^2 = 1

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.mask * torch.fft.fft2(self.maps * x, norm="ortho")

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        coils = self.maps.conj() * torch.fft.ifft2(self.mask * y, norm="ortho")
        return coils.sum(1, keepdim=True).real


@dataclass(frozen=True)
class Average:
    """Means over squares of ``factor`` times ``factor`` pixels."""

    factor: int

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return avg_pool2d(x, self.factor)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return interpolate(y, scale_factor=self.factor, mode="nearest") / self.factor**2


@dataclass(frozen=True)
class Kept:
    """The pixels that are kept; the others read 0."""

    mask: torch.Tensor  # float32 (N, 1, H, W), 1 where a pixel is kept

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.mask * x

    adjoint = __call__
