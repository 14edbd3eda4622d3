"""What a simulated scanner draws: lines of k-space, and the sensitivities of coils."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from mribench.errors import InputError

if TYPE_CHECKING:
    from mribench.spec import Draws

# share of all lines at the centre that are always sampled, times R: 8 % at R = 4 and 4 % at R = 8, as fastMRI has it
# (Zbontar et al. 2018, arXiv 1811.08839, section 6.1)
CENTRE = 0.32
WIDTH = 0.7  # standard deviation of a coil's Gaussian lobe, in half sides
DISTANCE = 1.0  # of a coil from the centre, in half sides


def random_lines(width: int, acceleration: float, draws: Draws) -> torch.Tensor:
    """float32 (N, 1, 1, width), zero frequency first: width / R lines, the centre and others at random.

    Raises InputError where fewer than two lines would be left.
    """
    lines, inside, _ = _lines(width, acceleration)
    order = draws.uniform(width)
    # the lines of lowest frequency come first, whatever was drawn for them
    order[:, inside] = -1.0
    mask = torch.zeros_like(order).scatter(1, order.argsort(1)[:, :lines], 1.0)
    return mask[:, None, None, :]


def equispaced_lines(width: int, acceleration: float, draws: Draws) -> torch.Tensor:
    """As ``random_lines``, the lines outside the centre at equal distances from a random first one."""
    lines, inside, outside = _lines(width, acceleration)
    n = lines - len(inside)
    first = draws.uniform(1)
    places = ((torch.arange(n, device=first.device) + first) * len(outside) / max(n, 1)).long()
    chosen = outside.to(first.device)[places]
    mask = torch.zeros(len(first), width, device=first.device).scatter(1, chosen, 1.0)
    mask[:, inside] = 1.0
    return mask[:, None, None, :]


def _lines(width: int, acceleration: float) -> tuple[int, torch.Tensor, torch.Tensor]:
    """How many lines are measured; those of the centre; the others, from the lowest frequency to the highest."""
    lines = round(width / acceleration)
    if lines < 2:
        raise InputError(
            f"R = {acceleration:g} leaves {lines} of {width} k-space lines, expected at least 2; "
            "take a smaller R or a profile of larger images"
        )
    centre = max(1, round(CENTRE / acceleration * width))
    frequency = torch.fft.fftfreq(width)
    inside = frequency.abs().argsort(stable=True)[:centre]
    order = frequency.argsort()
    return lines, inside, order[~torch.isin(order, inside)]


def spokes(n: int, shape: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Spokes through the centre of k-space at steps of the golden angle, pi (sqrt(5) - 1) / 2 (Winkelmann et al. 2007).

    As many samples on a spoke as the image has columns; the same spokes for every image.

    Returns:
        exp(-i k_y y), complex64 (samples, H); exp(-i k_x x), complex64 (samples, W); the norm of their product as a
        map of images.
    """
    height, width = shape
    angle = torch.arange(n).double() * math.pi * (math.sqrt(5) - 1) / 2
    radius = 2 * math.pi * ((torch.arange(width).double() + 0.5) / width - 0.5)
    k_y, k_x = (torch.outer(part, radius).flatten() for part in (angle.sin(), angle.cos()))
    rows = torch.polar(torch.ones(()).double(), -torch.outer(k_y, torch.arange(height) - height // 2))
    columns = torch.polar(torch.ones(()).double(), -torch.outer(k_x, torch.arange(width) - width // 2))
    # the largest eigenvalue of A A* is that of the matrix of its samples' inner products
    gram = (rows @ rows.mH) * (columns @ columns.mH)
    v = torch.ones(len(gram), dtype=gram.dtype)
    for _ in range(50):
        v = gram @ v
        v = v / v.norm()
    # power iteration ends a little below
    norm = 1.01 * float((gram @ v).norm().sqrt())
    return rows.to(torch.complex64), columns.to(torch.complex64), norm


def poses(shots: int, spread: float, shape: tuple[int, int], draws: Draws) -> torch.Tensor:
    """float32 (N, shots, 2, 3): rotations of ``spread`` degrees and shifts of ``spread`` pixels (std)."""
    turn, down, right = (spread * draws.normal(3, shots)).unbind(1)
    turn = torch.deg2rad(turn)
    cos, sin = turn.cos(), turn.sin()
    first = torch.stack([cos, -sin, 2 * right / shape[1]], dim=-1)
    second = torch.stack([sin, cos, 2 * down / shape[0]], dim=-1)
    return torch.stack([first, second], dim=-2)


def coil_maps(coils: int, shape: tuple[int, int], draws: Draws) -> torch.Tensor:
    """complex64 (N, coils, H, W), sum |S|^2 = 1: Gaussian lobes around the image, each with a smooth phase.

    The positions of the coils turn by a random angle; one coil has magnitude 1. The phase, of the coil and of the
    object, is a random polynomial of degree 2, with coefficients of standard deviation 1 rad.
    """
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in shape), indexing="ij")
    turn = 2 * math.pi * draws.uniform(1)
    angle = (turn + 2 * math.pi * torch.arange(coils, device=turn.device) / coils)[..., None, None]
    polynomial = torch.stack([x, y, x * y, x**2, y**2]).to(turn)
    x, y = x.to(turn), y.to(turn)
    squared = (x - DISTANCE * angle.cos()) ** 2 + (y - DISTANCE * angle.sin()) ** 2
    lobes = torch.exp(-squared / (2 * WIDTH**2))
    lobes = lobes / lobes.square().sum(1, keepdim=True).sqrt()
    phase = torch.einsum("nck,khw->nchw", draws.normal(coils, len(polynomial)), polynomial)
    return torch.polar(lobes, phase)
