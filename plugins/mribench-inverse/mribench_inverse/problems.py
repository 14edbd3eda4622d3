"""Problems: y = A x + noise. Mask, coils and noise of an image are drawn from its own random numbers."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from mribench.errors import InputError
from mribench.spec import Draws, Measurement, Problem

if TYPE_CHECKING:
    import torch

    from mribench.spec import LinearOperator

SIGMA = 0.01  # of the noise where it is not the problem itself, in grey ranges
SHOTS = 8  # in which moving objects are measured
R_OF_MOVING = 2.0  # acceleration with it: all lines of eight known poses leave little to find
MID_GREY = 0.5


def mri(
    x: torch.Tensor, acceleration: float, draws: Draws, coils: int, equispaced: bool = False
) -> Measurement:
    """Cartesian k-space with lines left out and complex white noise; the coil maps are known.

    k-space is computed from a magnitude image, whose own noise and post-processing are then part of the truth: the
    numbers are too good, and real k-space is another track.
    """
    import torch

    from mribench_inverse.operators import Fourier
    from mribench_inverse.sampling_masks import coil_maps, equispaced_lines, random_lines

    shape = (x.shape[-2], x.shape[-1])
    lines = equispaced_lines if equispaced else random_lines
    operator = Fourier(lines(shape[1], acceleration, draws), coil_maps(coils, shape, draws))
    noise = torch.complex(*draws.normal(2, coils, *shape).unbind(1))
    return Measurement(operator(x) + SIGMA * operator.mask * noise, operator, SIGMA, shape)


def one_coil(x: torch.Tensor, acceleration: float, draws: Draws) -> Measurement:
    return mri(x, acceleration, draws, coils=1)


def equispaced(x: torch.Tensor, acceleration: float, draws: Draws) -> Measurement:
    return mri(x, acceleration, draws, coils=1, equispaced=True)


def four_coils(x: torch.Tensor, acceleration: float, draws: Draws) -> Measurement:
    return mri(x, acceleration, draws, coils=4)


def radial(x: torch.Tensor, n: float, draws: Draws) -> Measurement:
    """k-space along ``n`` spokes and complex white noise, four coils with known maps; see ``mri``.

    The operator is divided by its norm, and the noise too: a spoke's sample has the noise of a line's.
    """
    import torch

    from mribench_inverse.operators import Radial
    from mribench_inverse.sampling_masks import coil_maps, spokes

    shape = (x.shape[-2], x.shape[-1])
    rows, columns, norm = _spokes(int(n), shape, spokes)
    maps = coil_maps(4, shape, draws)
    operator = Radial(maps, rows.to(x.device), columns.to(x.device), norm)
    sigma = SIGMA * (shape[0] * shape[1]) ** 0.5 / norm
    noise = torch.complex(*draws.normal(2, maps.shape[1], len(rows)).unbind(1))
    return Measurement(operator(x) + sigma * noise, operator, sigma, shape)


@lru_cache(maxsize=8)
def _spokes(n: int, shape: tuple[int, int], make):
    return make(n, shape)


def motion(x: torch.Tensor, spread: float, draws: Draws) -> Measurement:
    """Cartesian k-space at R = 2 in eight shots, the object turned and shifted in each by about ``spread`` degrees and
    pixels; the poses are known, as from a navigator. One coil; otherwise as ``mri``."""
    import torch

    from mribench_inverse.operators import SCALE_OF_MOVED, Fourier, Moved
    from mribench_inverse.sampling_masks import coil_maps, poses, random_lines

    shape = (x.shape[-2], x.shape[-1])
    mask = random_lines(shape[1], R_OF_MOVING, draws)
    maps = coil_maps(1, shape, draws)
    # shots are interleaved: line i belongs to shot i modulo 8
    turn = torch.arange(shape[1], device=x.device) % SHOTS
    shots = tuple(Fourier(mask * (turn == shot), maps) for shot in range(SHOTS))
    operator = Moved(shots, poses(SHOTS, spread, shape, draws))
    noise = torch.complex(*draws.normal(2, 1, *shape).unbind(1))
    sigma = SCALE_OF_MOVED * SIGMA
    return Measurement(operator(x) + sigma * mask * noise, operator, sigma, shape)


def deblurring(x: torch.Tensor, width: float, draws: Draws) -> Measurement:
    """A Gaussian point spread function of standard deviation ``width`` pixels, as of a microscope; white noise."""
    from mribench_inverse.operators import Blur

    return _measured(Blur(width), x, draws)


def superresolution(x: torch.Tensor, factor: float, draws: Draws) -> Measurement:
    """Means over squares of pixels, with white noise. Raises InputError where the squares do not fit."""
    from mribench_inverse.operators import Average

    if x.shape[-1] % int(factor) or x.shape[-2] % int(factor):
        raise InputError(
            f"images of {x.shape[-2]} x {x.shape[-1]} pixels have no squares of {factor:g} x {factor:g}, expected a "
            "multiple; take a profile of another size"
        )
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


def poisson(x: torch.Tensor, photons: float, draws: Draws) -> Measurement:
    """Counts of photons, of which white has ``photons`` on average, over that number; solvers take the noise for white
    noise of what it is at mid-grey."""
    from mribench_inverse.operators import Kept

    counts = _counts(photons * x.clamp(0, 1), draws.uniform(*x.shape[1:]), photons)
    sigma = (MID_GREY / photons) ** 0.5
    return Measurement(counts / photons, Kept(x.new_ones(())), sigma, (x.shape[-2], x.shape[-1]))


def _counts(mean: torch.Tensor, uniform: torch.Tensor, most: float) -> torch.Tensor:
    """Poisson numbers by the inverse of their distribution function, so that each pixel has its own random number."""
    import torch

    mean, uniform = mean.double(), uniform.double()
    below = probability = torch.exp(-mean)
    counts = torch.zeros_like(mean)
    # nine standard deviations above the mean of white
    for k in range(1, int(most + 9 * most**0.5) + 2):
        counts += uniform > below
        probability = probability * mean / k
        below = below + probability
    return counts.float()


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
    mri_only=True,
)
MRI_4_COILS = Problem(
    name="mri-4-coils",
    title="accelerated MRI, four coils (simulated k-space)",
    measure=four_coils,
    levels=(4.0, 8.0),
    level_name="R",
    kind="mri",
    track="sim-k",
    mri_only=True,
)
MRI_EQUISPACED = replace(
    MRI,
    name="mri-equispaced",
    title="accelerated MRI, lines at equal distances (simulated k-space)",
    measure=equispaced,
)
MRI_LESIONS = replace(
    MRI, name="mri-lesions", title="accelerated MRI of a lesion, one coil (simulated k-space)"
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
MRI_RADIAL = Problem(
    name="mri-radial",
    title="radial MRI, four coils (simulated k-space)",
    measure=radial,
    levels=(16.0, 8.0),
    level_name="spokes",
    kind="mri",
    track="sim-k",
    mri_only=True,
)
MOTION = Problem(
    name="motion",
    title="MRI of a moving object, poses known (simulated k-space)",
    measure=motion,
    levels=(2.0, 5.0),
    level_name="pixels and degrees",
    kind="mri",
    track="sim-k",
    mri_only=True,
    version=2,
)
DEBLUR = Problem(
    name="deblur",
    title="deconvolution",
    measure=deblurring,
    levels=(1.0, 2.0),
    level_name="width",
    kind="deblur",
)
DENOISE_POISSON = Problem(
    name="denoise-poisson",
    title="removal of Poisson noise",
    measure=poisson,
    levels=(100.0, 25.0),
    level_name="photons",
    kind="denoise",
)
