"""Reconstructions by a prior of healthy images: what the prior would not have drawn is missing from them.

Levels are standard deviations of the noise in grey ranges. The noise is that of the prior's own process: white, coarse
or in octaves. Each method is tried at eight settings, and has ten noise levels on its way back.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mribench.spec import Denoiser, Draws, Measurement, Solver

if TYPE_CHECKING:
    import torch

KIND = "anomaly"
LEVELS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)  # that are tried
STEPS = 10
LEAST = 0.01  # the last level before 0
RHO = 7.0


def levels_below(denoiser: Denoiser, sigma: float, steps: int) -> list[float]:
    """From sigma, or the largest level of the prior, down to about 0.01, then 0.

    Karras et al. 2022, arXiv 2206.00364, equation 5.
    """
    largest = min(sigma, denoiser.sigmas[1])
    least = min(max(LEAST, denoiser.sigmas[0]), largest)
    ends = largest ** (1 / RHO), least ** (1 / RHO)
    part = [i / max(steps - 1, 1) for i in range(steps)]
    return [*((ends[0] + t * (ends[1] - ends[0])) ** RHO for t in part), 0.0]


def ancestral_step(
    denoiser: Denoiser, x: torch.Tensor, sigma: float, smaller: float, draws: Draws
) -> torch.Tensor:
    """A draw of q(x at the smaller level | x at sigma, x_0 = D); Ho et al. 2020, arXiv 2006.11239, equation 7."""
    x_0, kept = denoiser(x, sigma), (smaller / sigma) ** 2
    mean = x_0 + kept * (x - x_0)
    return mean + smaller * (1 - kept) ** 0.5 * draws.normal(*x.shape[1:]) if smaller else mean


def noise_and_back(
    denoiser: Denoiser, m: Measurement, draws: Draws, sigma: float = 0.3, steps: int = STEPS
) -> torch.Tensor:
    """Noise up to a level, and ancestral steps back: what is smaller than the noise is drawn anew."""
    levels = levels_below(denoiser, sigma, steps)
    x = m.y + levels[0] * draws.normal(*m.y.shape[1:])
    for level, smaller in pairwise(levels):
        x = ancestral_step(denoiser, x, level, smaller, draws)
    return x


def one_step(
    denoiser: Denoiser, m: Measurement, draws: Draws, sigma: float = 0.3, noises: int = 4
) -> torch.Tensor:
    """Noise up to a level, and D once: the mean of what the prior thinks possible, over a few noises.

    Where ``noise_and_back`` draws a healthy image, this is as blurred as the level makes it.
    """
    level = min(sigma, denoiser.sigmas[1])
    found = [denoiser(m.y + level * draws.normal(*m.y.shape[1:]), level) for _ in range(noises)]
    return sum(found[1:], found[0]) / noises


def inversion(
    denoiser: Denoiser, m: Measurement, draws: Draws, sigma: float = 0.3, steps: int = STEPS
) -> torch.Tensor:
    """Up to a level along the probability-flow ODE, dx / dsigma = (x - D) / sigma, and back; nothing is drawn.

    Steps are Euler's, which in sigma are DDIM's (Song et al. 2021, arXiv 2010.02502, equation 13). Were the steps
    infinitely small, the image would come back as it was.
    """
    levels = levels_below(denoiser, sigma, steps)[:-1]
    x = m.y
    for level, other in [*pairwise(levels[::-1]), *pairwise([*levels, 0.0])]:
        x = x + (other - level) / level * (x - denoiser(x, level))
    return x


def stitched(
    denoiser: Denoiser,
    m: Measurement,
    draws: Draws,
    sigma: float = 0.5,
    patches: int = 4,
    steps: int = STEPS,
) -> torch.Tensor:
    """Patches drawn anew, each beside the image as it is, in two halves like the squares of a chessboard.

    pDDPM trains on noised patches in a clean image; a prior that knows whole noised images sees the other patches of
    the image at the same level of noise (Lugmayr et al. 2022, arXiv 2201.09865, equation 8).

    Args:
        patches: Along a side.
    """
    import torch

    levels = levels_below(denoiser, sigma, steps)
    whole = torch.zeros_like(m.y)
    for part in chessboard(m.shape, patches, m.y):
        x = m.y + levels[0] * draws.normal(*m.y.shape[1:])
        for level, smaller in pairwise(levels):
            drawn = ancestral_step(denoiser, x, level, smaller, draws)
            known = m.y + smaller * draws.normal(*m.y.shape[1:])
            x = part * drawn + (1 - part) * known
        whole = whole + part * x
    return whole


def chessboard(shape: tuple[int, int], patches: int, like: torch.Tensor) -> list[torch.Tensor]:
    """Two masks, float32 (H, W), 1 on every other patch; one that is 1 everywhere where there is one patch."""
    import torch

    row = torch.arange(shape[0], device=like.device) * patches // shape[0]
    column = torch.arange(shape[1], device=like.device) * patches // shape[1]
    dark = ((row[:, None] + column) % 2).float()
    return [part for part in (dark, 1 - dark) if bool(part.any())]


ANODDPM = Solver(
    name="anoddpm",
    title="noise to a level and back",
    paper="AnoDDPM: Wyatt et al. 2022, doi:10.1109/CVPRW56347.2022.00080",
    solve=noise_and_back,
    needs=("process",),
    kinds=(KIND,),
    search=tuple({"sigma": sigma} for sigma in LEVELS),
)
ONE_STEP = Solver(
    name="one-step",
    title="noise to a level and the mean of what it may have been, at once",
    paper="the prior as a denoising autoencoder: Kascenas et al. 2023, arXiv 2301.08330",
    solve=one_step,
    needs=("process",),
    kinds=(KIND,),
    search=tuple({"sigma": sigma} for sigma in LEVELS),
)
INVERSION = Solver(
    name="ddim-inversion",
    title="DDIM inversion and back, without guidance",
    paper="after Wolleb et al. 2022, arXiv 2203.04306, who guide the way back by a classifier",
    solve=inversion,
    needs=("process",),
    kinds=(KIND,),
    search=tuple({"sigma": sigma} for sigma in (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0)),
    samples=False,
)
STITCHED = Solver(
    name="stitched",
    title="patches drawn anew and stitched",
    paper="after pDDPM: Behrendt et al. 2023, arXiv 2303.03758",
    solve=stitched,
    needs=("process",),
    kinds=(KIND,),
    search=tuple(
        {"sigma": sigma, "patches": patches} for sigma in (0.15, 0.3, 0.6, 1.2) for patches in (4, 8)
    ),
)
