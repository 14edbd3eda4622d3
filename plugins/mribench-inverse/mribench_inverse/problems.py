"""Problems: y = A x + noise. Mask, coils and noise of an image are drawn from its own random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mribench.spec import Draws, Measurement, Problem

if TYPE_CHECKING:
    import torch

    from mribench.spec import LinearOperator

SIGMA = 0.01  # of the noise where it is not the problem itself, in grey ranges


def mri(x: torch.Tensor, acceleration: float, draws: Draws, coils: int) -> Measurement:
    """Cartesian k-space with lines left out at random and complex white noise; the coil maps are known.

    k-space is computed from a magnitude image, whose own noise and post-processing are then part of the truth: the
    numbers are too good, and real k-space is another track.
    """
    import torch

    from mribench_inverse.operators import Fourier
    from mribench_inverse.sampling_masks import coil_maps, random_lines

    shape = (x.shape[-2], x.shape[-1])
    operator = Fourier(random_lines(shape[1], acceleration, draws), coil_maps(coils, shape, draws))
    noise = torch.complex(*draws.normal(2, coils, *shape).unbind(1))
    return Measurement(operator(x) + SIGMA * operator.mask * noise, operator, SIGMA, shape)


def one_coil(x: torch.Tensor, acceleration: float, draws: Draws) -> Measurement:
    return mri(x, acceleration, draws, coils=1)


def four_coils(x: torch.Tensor, acceleration: float, draws: Draws) -> Measurement:
    return mri(x, acceleration, draws, coils=4)


def superresolution(x: torch.Tensor, factor: float, draws: Draws) -> Measurement:
    """Means over squares of pixels, with white noise."""
    from mribench_inverse.operators import Average

    return _measured(Average(int(factor)), x, draws)


def inpainting_box(x: torch.Tensor, side: float, draws: Draws) -> Measurement:
    """A square of ``side`` times the image's side is missing, anywhere; white noise on the rest."""
    import torch

    from mribench_inverse.operators import Kept

    height, width = x.shape[-2:]
    tall, wide = round(side * height), round(side * width)
    top, left = (
        draws.integers(height - tall + 1)[:, None, None],
        draws.integers(width - wide + 1)[:, None, None],
    )
    row, column = torch.arange(height, device=x.device)[:, None], torch.arange(width, device=x.device)
    hole = (row >= top) & (row < top + tall) & (column >= left) & (column < left + wide)
    return _measured(Kept((~hole).float()[:, None]), x, draws, masked=True)


def inpainting_random(x: torch.Tensor, missing: float, draws: Draws) -> Measurement:
    """Each pixel is missing with one probability; white noise on the rest."""
    from mribench_inverse.operators import Kept

    return _measured(Kept((draws.uniform(*x.shape[1:]) >= missing).float()), x, draws, masked=True)


def denoising(x: torch.Tensor, sigma: float, draws: Draws) -> Measurement:
    """White Gaussian noise."""
    from mribench_inverse.operators import Kept

    return _measured(Kept(x.new_ones(())), x, draws, sigma)


def rician(x: torch.Tensor, sigma: float, draws: Draws) -> Measurement:
    """The magnitude of x plus complex white noise (Gudbjartsson & Patz 1995); solvers take it for Gaussian."""
    from mribench_inverse.operators import Kept

    real, imaginary = (sigma * draws.normal(2, *x.shape[1:])).unbind(1)
    y = ((x + real) ** 2 + imaginary**2).sqrt()
    return Measurement(y, Kept(x.new_ones(())), sigma, (x.shape[-2], x.shape[-1]))


def _measured(
    operator: LinearOperator, x: torch.Tensor, draws: Draws, sigma: float = SIGMA, masked: bool = False
) -> Measurement:
    """A x and white noise, which a mask hides as it hides the image."""
    clean = operator(x)
    noise = draws.normal(*clean.shape[1:])
    noise = operator(noise) if masked else noise
    return Measurement(clean + sigma * noise, operator, sigma, (x.shape[-2], x.shape[-1]))


MRI = Problem(
    name="mri",
    title="accelerated MRI, one coil (simulated k-space)",
    measure=one_coil,
    levels=(4.0, 8.0),
    level_name="R",
    kind="mri",
    track="sim-k",
)
MRI_4_COILS = Problem(
    name="mri-4-coils",
    title="accelerated MRI, four coils (simulated k-space)",
    measure=four_coils,
    levels=(4.0, 8.0),
    level_name="R",
    kind="mri",
    track="sim-k",
)
SUPERRES = Problem(
    name="superres",
    title="super-resolution",
    measure=superresolution,
    levels=(2.0, 4.0),
    level_name="factor",
    kind="superres",
)
INPAINT_BOX = Problem(
    name="inpaint-box",
    title="inpainting of a square",
    measure=inpainting_box,
    levels=(0.3,),
    level_name="side",
    kind="inpaint",
)
INPAINT_RANDOM = Problem(
    name="inpaint-random",
    title="inpainting of random pixels",
    measure=inpainting_random,
    levels=(0.5, 0.8),
    level_name="missing",
    kind="inpaint",
)
DENOISE = Problem(
    name="denoise-gaussian",
    title="removal of Gaussian noise",
    measure=denoising,
    levels=(0.05, 0.1),
    level_name="σ",
    kind="denoise",
)
DENOISE_RICIAN = Problem(
    name="denoise-rician",
    title="removal of Rician noise",
    measure=rician,
    levels=(0.05, 0.1),
    level_name="σ",
    kind="denoise",
)
