"""Who draws the neighbours of a slice: a diffusion of both as channels, a network, a look-up, and three controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from mribench_inverse.comparators import denoising_loss, trained
from mribench_inverse.steps import noise_levels
from mribench_paired.diffusions import GivenDenoiser
from mribench_paired.networks import seeded, unet
from mribench_score.integrators import heun

from mribench.spec import Draws, Examples, Expected, Measurement, Solver
from mribench_volumes.stacks import KIND, as_answer, neighbours

if TYPE_CHECKING:
    import torch

STEPS = 12  # of Heun's method, 23 evaluations


def fit_diffusion(examples: Examples) -> Any:
    """A network that sees both neighbours with noise, and the slice between them."""
    return trained(
        seeded(lambda: unet(examples.profile, 3, 2), examples.seed),
        examples,
        lambda net, x, m, draws: denoising_loss(net, neighbours(x), m.y, draws),
    )


def by_diffusion(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """A draw of p(slices before and after | slice), along the probability-flow ODE."""
    denoiser = GivenDenoiser(net, m.y)
    levels = noise_levels(denoiser, STEPS)
    return as_answer(heun(denoiser, 0.5 + levels[0] * draws.normal(2, *m.shape), levels, draws))


def fit_unet(examples: Examples) -> Any:
    """Least squares."""
    return trained(
        seeded(lambda: unet(examples.profile, 1, 2), examples.seed),
        examples,
        lambda net, x, m, draws: (expected_by(net, m.y) - neighbours(x)).square().mean(),
    )


def expected_by(net: Any, y: torch.Tensor) -> torch.Tensor:
    """The slice and what a diffusion's U-Net adds to it, (N, 2, H, W); its timestep is always 0."""
    return y + net(2 * y - 1, y.new_zeros(len(y))).sample


def by_unet(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """About the mean of p(slices before and after | slice)."""
    return as_answer(expected_by(net, m.y))


def fit_stacks(examples: Examples) -> torch.Tensor:
    """The training stacks themselves, float32 (N, 3, H, W)."""
    import torch

    images = torch.from_numpy(np.ascontiguousarray(examples.images, dtype=np.float32)).to(examples.device)
    return images if images.ndim == 4 else images[:, None].expand(-1, 3, -1, -1)


def by_closest(stacks: torch.Tensor, m: Measurement, draws: Draws) -> torch.Tensor:
    """The neighbours of the training slice that is nearest, by squared differences."""
    import torch

    far = torch.cdist(m.y.flatten(1), stacks[:, 1].flatten(1))
    return as_answer(neighbours(stacks[far.argmin(1)]))


def by_another_subject(stacks: torch.Tensor, m: Measurement, draws: Draws) -> torch.Tensor:
    """The neighbours of the training slice that is as far as half of them are: of somebody else, and no outlier."""
    import torch

    far = torch.cdist(m.y.flatten(1), stacks[:, 1].flatten(1))
    return as_answer(neighbours(stacks[far.median(1).indices]))


def by_repeating(known: None, m: Measurement, draws: Draws) -> torch.Tensor:
    """The slice itself, twice."""
    return as_answer(m.y.expand(-1, 2, -1, -1))


def _solver(name: str, title: str, paper: str, solve: Any, **more: Any) -> Solver:
    return Solver(name, title, paper, solve, needs=(), kinds=(KIND,), **{"samples": False, **more})


DIFFUSION = _solver(
    "neighbour-diffusion",
    "diffusion of both neighbours as channels",
    "as cDPM: Peng et al. 2022, arXiv:2212.08034, of one slice at a time",
    by_diffusion,
    fit=fit_diffusion,
    trains=True,
    samples=True,
    version=3,  # 2: in float32 alone; 1: with the scales and levels of images in [-1, 1]
)
UNET = _solver(
    "neighbour-unet",
    "U-Net of both neighbours",
    "Ronneberger et al. 2015, arXiv:1505.04597",
    by_unet,
    fit=fit_unet,
    trains=True,
    version=2,  # 1: in float32 alone
)
CLOSEST = _solver(
    "closest-subject",
    "neighbours of the closest training slice",
    "nearest neighbour: Cover & Hart 1967, doi:10.1109/TIT.1967.1053964",
    by_closest,
    fit=fit_stacks,
)
REPEATED = _solver(
    "repeated-slice",
    "the slice itself, twice",
    "control: a volume that does not change through its slices",
    by_repeating,
    expected=Expected(
        "ahead of last", "a slice must be nearer to its neighbours than those of another person are"
    ),
)
SHUFFLED = _solver(
    "another-subject",
    "slices of another subject",
    "control: a volume of slices that do not belong together",
    by_another_subject,
    fit=fit_stacks,
    expected=Expected("last", "an answer that ignores the slice must be the worst"),
)
TRUE_SLICES = _solver(
    "true-slices",
    "true neighbours",
    "control: the neighbours of the test slice",
    by_repeating,
    expected=Expected("ahead of last", "the truth must be nearer to itself than another person is"),
)
