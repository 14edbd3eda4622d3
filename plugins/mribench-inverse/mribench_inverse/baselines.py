"""Answers without a prior, which stand on the board as rows of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mribench.spec import Draws, Measurement, Solver
from mribench_inverse.steps import conjugate_gradients

if TYPE_CHECKING:
    import numpy as np
    import torch


def zero_filled(denoiser: None, m: Measurement, draws: Draws) -> torch.Tensor:
    """A* y: k-space lines that were not measured are taken to be 0."""
    return m.operator.adjoint(m.y)


def sense(denoiser: None, m: Measurement, draws: Draws, steps: int = 15) -> torch.Tensor:
    """Least squares by conjugate gradients, stopped early (Pruessmann et al. 2001)."""
    start = m.operator.adjoint(m.y)
    return conjugate_gradients(
        lambda x: m.operator.adjoint(m.operator(x)), start, start.new_zeros(start.shape), steps
    )


def tv(denoiser: None, m: Measurement, draws: Draws, weight: float = 0.01, steps: int = 60) -> torch.Tensor:
    """argmin_x |y - A x|^2 / 2 + weight TV(x) by FISTA (Beck & Teboulle 2009); |A| is at most 1."""
    x = z = m.operator.adjoint(m.y)
    t = 1.0
    for _ in range(steps):
        before, x = x, tv_prox(z - m.operator.adjoint(m.operator(z) - m.y), weight)
        t, last = (1 + (1 + 4 * t**2) ** 0.5) / 2, t
        z = x + (last - 1) / t * (x - before)
    return x


def tv_prox(x: torch.Tensor, weight: float, steps: int = 20) -> torch.Tensor:
    """argmin_z |z - x|^2 / 2 + weight TV(z), isotropic, of each image (N, 1, H, W).

    Fast gradient projection on the dual field (Beck & Teboulle 2009, IEEE TIP 18(11), algorithm FGP). Own lines: that
    of scikit-image takes images one by one, and errs by 10 % of the weight after 50 steps on a step of 24 pixels.
    """
    dual = fast = x.new_zeros(2, *x.shape)
    t = 1.0
    for _ in range(steps):
        before = dual
        dual = fast + _gradient(x - weight * _gradient_adjoint(fast)) / (8 * weight)
        dual = dual / dual.square().sum(0).sqrt().clamp_min(1)
        t, last = (1 + (1 + 4 * t**2) ** 0.5) / 2, t
        fast = dual + (last - 1) / t * (dual - before)
    return x - weight * _gradient_adjoint(dual)


def _gradient(x: torch.Tensor) -> torch.Tensor:
    """Differences to the next row and column, 0 at the end: (2, N, 1, H, W)."""
    gradient = x.new_zeros(2, *x.shape)
    gradient[0, ..., :-1, :] = x.diff(dim=-2)
    gradient[1, ..., :-1] = x.diff(dim=-1)
    return gradient


def _gradient_adjoint(dual: torch.Tensor) -> torch.Tensor:
    """Minus the divergence, (N, 1, H, W) from (2, N, 1, H, W)."""
    x = dual.new_zeros(dual.shape[1:])
    for axis, part in ((-2, dual[0]), (-1, dual[1])):
        inside = part.narrow(axis, 0, part.shape[axis] - 1)
        x.narrow(axis, 0, inside.shape[axis]).sub_(inside)
        x.narrow(axis, 1, inside.shape[axis]).add_(inside)
    return x


def wavelet(
    denoiser: None, m: Measurement, draws: Draws, weight: float = 0.01, steps: int = 60
) -> torch.Tensor:
    """argmin_x |y - A x|^2 / 2 + weight |W x|_1 by FISTA, W being Haar's; each step on another grid of even shifts.

    The shift takes out the blocks that a fixed grid leaves (Figueiredo & Nowak 2003, IEEE TIP 12(8)).
    """
    x = z = m.operator.adjoint(m.y)
    t = 1.0
    for step in range(steps):
        shift = (step % 4, step // 4 % 4)
        moved = (z - m.operator.adjoint(m.operator(z) - m.y)).roll(shift, (-2, -1))
        before, x = x, haar_prox(moved, weight).roll((-shift[0], -shift[1]), (-2, -1))
        t, last = (1 + (1 + 4 * t**2) ** 0.5) / 2, t
        z = x + (last - 1) / t * (x - before)
    return x


def haar_prox(x: torch.Tensor, weight: float) -> torch.Tensor:
    """argmin_z |z - x|^2 / 2 + weight |details of W z|_1: the details of Haar's transform are shrunk by the weight."""
    import torch

    if x.shape[-1] % 2 or x.shape[-2] % 2 or min(x.shape[-2:]) < 4:
        return x
    a, b = x[..., ::2, ::2], x[..., ::2, 1::2]
    c, d = x[..., 1::2, ::2], x[..., 1::2, 1::2]
    details = ((a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2)
    p, q, r = (detail.sign() * (detail.abs() - weight).clamp_min(0) for detail in details)
    s = haar_prox((a + b + c + d) / 2, weight)
    z = torch.empty_like(x)
    z[..., ::2, ::2], z[..., ::2, 1::2] = (s + p + q + r) / 2, (s - p + q - r) / 2
    z[..., 1::2, ::2], z[..., 1::2, 1::2] = (s + p - q - r) / 2, (s - p - q + r) / 2
    return z


def richardson_lucy(denoiser: None, m: Measurement, draws: Draws, steps: int = 20) -> torch.Tensor:
    """x <- x A*(y / A x) / A* 1, stopped early (Richardson 1972, Lucy 1974)."""
    import torch

    y = m.y.clamp_min(1e-6)
    weight = m.operator.adjoint(torch.ones_like(y)).clamp_min(1e-6)
    x = torch.full((len(y), 1, *m.shape), 0.5).to(y)
    for _ in range(steps):
        x = x * m.operator.adjoint(y / m.operator(x).clamp_min(1e-6)) / weight
    return x


def bicubic(denoiser: None, m: Measurement, draws: Draws) -> torch.Tensor:
    """Cubic interpolation of the small image."""
    from torch.nn.functional import interpolate

    return interpolate(m.y, size=m.shape, mode="bicubic")


def biharmonic(denoiser: None, m: Measurement, draws: Draws) -> torch.Tensor:
    """The missing pixels by biharmonic equations (Damelin & Hoang 2018)."""
    import numpy as np
    import torch
    from skimage.restoration import inpaint_biharmonic

    missing = (m.operator(torch.ones_like(m.y)) == 0).cpu().numpy()[:, 0]
    filled = [inpaint_biharmonic(*pair) for pair in zip(m.y.cpu().numpy()[:, 0], missing, strict=True)]
    return torch.from_numpy(np.stack(filled)[:, None]).to(m.y)


def nlm(denoiser: None, m: Measurement, draws: Draws, strength: float = 0.8) -> torch.Tensor:
    """Non-local means (Buades et al. 2005), with patches of 5 times 5 pixels in a window of 13 times 13."""
    from skimage.restoration import denoise_nl_means

    return _by_image(
        m.y,
        lambda image: denoise_nl_means(image, 5, 6, h=strength * m.sigma, sigma=m.sigma, fast_mode=True),
    )


def _by_image(x: torch.Tensor, treat) -> torch.Tensor:
    import numpy as np
    import torch

    images: np.ndarray = x.detach().cpu().numpy()[:, 0]
    return torch.from_numpy(np.stack([treat(image) for image in images])[:, None]).to(x)


def _baseline(name: str, title: str, paper: str, solve, kinds=(), search=()) -> Solver:
    return Solver(name, title, paper, solve, needs=(), kinds=kinds, search=search, samples=False)


ZERO_FILLED = _baseline("zero-filled", "zero-filled k-space", "", zero_filled, kinds=("mri",))
SENSE = _baseline(
    "sense", "SENSE, conjugate gradients", "Pruessmann et al. 2001, MRM 46(4)", sense, kinds=("mri",)
)
TV = _baseline(
    "tv",
    "total variation, FISTA",
    "Beck & Teboulle 2009, IEEE TIP 18(11)",
    tv,
    search=tuple({"weight": w} for w in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)),
)
WAVELET = _baseline(
    "wavelet",
    "Haar wavelets, FISTA",
    "Figueiredo & Nowak 2003, IEEE TIP 12(8)",
    wavelet,
    search=tuple({"weight": w} for w in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)),
)
RICHARDSON_LUCY = _baseline(
    "richardson-lucy",
    "Richardson-Lucy deconvolution",
    "Richardson 1972, Lucy 1974",
    richardson_lucy,
    kinds=("deblur",),
    search=tuple({"steps": n} for n in (5, 10, 20, 40, 80)),
)
BICUBIC = _baseline("bicubic", "bicubic interpolation", "", bicubic, kinds=("superres",))
BIHARMONIC = _baseline(
    "biharmonic", "biharmonic inpainting", "Damelin & Hoang 2018", biharmonic, kinds=("inpaint",)
)
NLM = _baseline(
    "nlm",
    "non-local means",
    "Buades et al. 2005, CVPR",
    nlm,
    kinds=("denoise",),
    search=tuple({"strength": h} for h in (0.4, 0.6, 0.8, 1.0, 1.5)),
)
