"""Linear operators A with their adjoints; images are real and lie in [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import (
    affine_grid,
    avg_pool2d,
    conv2d,
    conv_transpose2d,
    grid_sample,
    interpolate,
)

# poses overlap: of 192 draws at 5 pixels and degrees the largest norm without the factor was 1.58
SCALE_OF_MOVED = 0.6


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


@dataclass(frozen=True)
class Blur:
    """A Gaussian point spread function; pixels whose neighbourhood leaves the field of view are not measured."""

    width: float  # standard deviation in pixels

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return conv2d(x, self._kernel(x))

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        return conv_transpose2d(y, self._kernel(y))

    def _kernel(self, like: torch.Tensor) -> torch.Tensor:
        reach = math.ceil(3 * self.width)
        line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1).to(like) / self.width) ** 2)
        line = line / line.sum()
        return (line[:, None] * line)[None, None]


@dataclass(frozen=True)
class Moved:
    """k-space whose lines were measured in shots, the object lying elsewhere in each: y = 0.6 sum of M_s F S R_s x.

    The norm is at most 1, as solvers expect it.
    """

    shots: tuple[Fourier, ...]  # each with the lines of one shot
    poses: torch.Tensor  # float32 (N, shots, 2, 3), rotation and shift as ``affine_grid`` takes them

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        moved = (shot(_moved(x, self.poses[:, s])) for s, shot in enumerate(self.shots))
        return SCALE_OF_MOVED * sum(moved)

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        back = (_MovedBack.apply(shot.adjoint(y), self.poses[:, s]) for s, shot in enumerate(self.shots))
        return SCALE_OF_MOVED * sum(back)


def _moved(x: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
    grid = affine_grid(pose, list(x.shape), align_corners=False)
    return grid_sample(x, grid, align_corners=False)


class _MovedBack(torch.autograd.Function):
    """The transpose R* of ``_moved``: interpolation is linear, so it is the gradient of <x, R z> by z.

    torch does not differentiate that gradient again; that of R* is R.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(pose)
        with torch.enable_grad():
            z = torch.zeros_like(x).requires_grad_()
            return torch.autograd.grad(_moved(z, pose), z, x)[0]

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return _moved(gradient, *ctx.saved_tensors), None


@dataclass(frozen=True)
class Radial:
    """Samples of the Fourier transform along spokes, an exact sum over pixels: y = F S x / norm, |A| at most 1."""

    maps: torch.Tensor  # complex64 (N, coils, H, W), sum over coils of |S|^2 = 1
    rows: torch.Tensor  # complex64 (samples, H), exp(-i k_y y)
    columns: torch.Tensor  # complex64 (samples, W), exp(-i k_x x)
    norm: float

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        across = torch.einsum("nchw,kw->nchk", self.maps * x, self.columns)
        return torch.einsum("nchk,kh->nck", across, self.rows) / self.norm

    def adjoint(self, y: torch.Tensor) -> torch.Tensor:
        down = torch.einsum("nck,kh->nchk", y, self.rows.conj())
        coils = torch.einsum("nchk,kw->nchw", down, self.columns.conj()) / self.norm
        return (self.maps.conj() * coils).sum(1, keepdim=True).real
