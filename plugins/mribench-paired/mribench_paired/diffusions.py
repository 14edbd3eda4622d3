"""Translations by diffusions: one that sees the contrasts, one of all contrasts, the organ's prior, and two priors."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from mribench_inverse.comparators import conditional_denoiser, denoising_loss, trained
from mribench_inverse.steps import noise_levels, renoised
from mribench_score.integrators import heun

from mribench.spec import Denoiser, Draws, Examples, Measurement, Solver
from mribench_paired.contrasts import KIND, pairs
from mribench_paired.networks import seeded, unet

if TYPE_CHECKING:
    import torch

LEAST, LARGEST = 0.005, 5.0  # noise levels, in grey ranges
REPEATS = 4  # of each level of a joint prior
STEPS = 12  # of Heun's method, 23 evaluations; the variance of a narrow Gaussian then comes out at 1.1 to 1.2


class GivenDenoiser:
    """D(x; sigma, given) as a ``Denoiser``.

    Args:
        net: Of x and what is given, concatenated.
        given: float32 (N, k, H, W) in [0, 1]; k may be 0.
    """

    sigmas = (LEAST, LARGEST)

    def __init__(self, net: Any, given: torch.Tensor):
        self._net, self._given, self.nfe = net, given, 0

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        self.nfe += 1
        return conditional_denoiser(self._net, x, x.new_full((len(x), 1, 1, 1), float(sigma)), self._given)


def drawn(denoiser: Denoiser, shape: tuple[int, int], draws: Draws) -> torch.Tensor:
    """A draw, from noise around mid-grey along the probability-flow ODE."""
    levels = noise_levels(denoiser, STEPS)
    return heun(denoiser, 0.5 + levels[0] * draws.normal(1, *shape), levels, draws)


def by_palette(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """A draw of p(image | contrasts)."""
    return drawn(GivenDenoiser(net, m.y), m.shape, draws)


def fit_palette(examples: Examples) -> Any:
    """A network that sees the noised image and the contrasts."""
    inputs = 1 + pairs(examples).sources.shape[1]
    return trained(
        seeded(lambda: unet(examples.profile, inputs), examples.seed),
        examples,
        lambda net, x, m, draws: denoising_loss(net, x[:, :1], m.y, draws),
    )


def inpainted(denoiser: Denoiser, m: Measurement, draws: Draws, repeats: int = REPEATS) -> torch.Tensor:
    """The image as the channel that is missing from a prior of all: RePaint, Lugmayr et al. 2022, arXiv 2201.09865.

    The contrasts are put in at each level with fresh noise. Plain replacement draws an image that follows them too
    little; going back up lets the two come to terms, of linear-Gaussian pairs to four fifths of the slope.

    Args:
        denoiser: Of (N, 1 + k, H, W), the image as the first channel.
        m: What is shown.
        draws: Random numbers.
        repeats: Steps at each level, r of the paper; 1 is replacement.
    """
    import torch

    def noise() -> torch.Tensor:
        return draws.normal(1, *m.shape)

    levels = noise_levels(denoiser, STEPS)
    x = 0.5 + levels[0] * noise()
    for level, smaller in pairwise(levels):
        for repeat in range(repeats if smaller else 1):
            known = m.y + level * draws.normal(*m.y.shape[1:])
            x_0 = denoiser(torch.cat([x, known], dim=1), level)[:, :1]
            x = renoised(x_0, x, level, smaller, lambda _: noise())
            if repeat + 1 < repeats and smaller:
                x = x + (level**2 - smaller**2) ** 0.5 * noise()
    return x


def by_joint(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """``inpainted`` with what ``fit_joint`` has trained."""
    return inpainted(GivenDenoiser(net, m.y[:, :0]), m, draws)


def fit_joint(examples: Examples) -> Any:
    """A prior of the image and its contrasts, as channels."""
    import torch

    n = 1 + pairs(examples).sources.shape[1]
    return trained(
        seeded(lambda: unet(examples.profile, n, n), examples.seed),
        examples,
        lambda net, x, m, draws: denoising_loss(net, torch.cat([x[:, :1], m.y], dim=1), m.y[:, :0], draws),
    )


def bridged(source: Denoiser, target: Denoiser, y: torch.Tensor, draws: Draws) -> torch.Tensor:
    """To noise along the ODE of one prior, and from noise along that of the other; nothing is drawn."""
    levels = noise_levels(source, STEPS)
    return heun(target, heun(source, y, levels[-2::-1], draws), levels, draws)


class Bridge(NamedTuple):
    """The networks of two priors that have seen no pairs."""

    source: Any  # of the first contrast
    target: Any  # of the image


def by_bridge(known: Bridge, m: Measurement, draws: Draws) -> torch.Tensor:
    """``bridged`` with what ``fit_bridge`` has trained; of several contrasts it takes the first alone."""
    source, target = (GivenDenoiser(net, m.y[:, :0]) for net in known)
    return bridged(source, target, m.y[:, :1], draws)


def fit_bridge(examples: Examples) -> Bridge:
    """Two trainings, each with half the steps."""

    def prior(pick: Any) -> Any:
        net = seeded(lambda: unet(examples.profile, 1), examples.seed)
        return trained(
            net,
            examples,
            lambda net, x, m, draws: denoising_loss(net, pick(x, m), m.y[:, :0], draws),
            cost=2,
        )

    return Bridge(prior(lambda x, m: m.y[:, :1]), prior(lambda x, m: x[:, :1]))


def noised_and_drawn(
    denoiser: Denoiser, m: Measurement, draws: Draws, sigma: float = 0.3, steps: int = STEPS
) -> torch.Tensor:
    """The first contrast, noised to a level, and ancestral steps of the image's prior from there.

    Of several contrasts it takes the first alone.

    Args:
        sigma: The level, in grey ranges.
        steps: Noise levels on the way from the prior's largest; fewer are left below ``sigma``.
    """
    levels = [sigma, *(level for level in noise_levels(denoiser, 2 * steps) if level < sigma)]
    x = m.y[:, :1] + levels[0] * draws.normal(1, *m.shape)
    for level, smaller in pairwise(levels):
        x = renoised(denoiser(x, level), x, level, smaller, lambda x: draws.normal(*x.shape[1:]))
    return x


PALETTE = Solver(
    name="palette",
    title="conditional diffusion by concatenation",
    paper="Palette: Saharia et al. 2022, arXiv:2111.05826",
    solve=by_palette,
    needs=(),
    kinds=(KIND,),
    fit=fit_palette,
    trains=True,
    version=3,  # 2: in float32 alone; 1: with the scales and levels of images in [-1, 1]
)
CHANNEL_INPAINTING = Solver(
    name="channel-inpainting",
    title="joint diffusion of all contrasts, one inpainted",
    paper="as in RePaint: Lugmayr et al. 2022, arXiv:2201.09865",
    solve=by_joint,
    needs=(),
    kinds=(KIND,),
    fit=fit_joint,
    trains=True,
    version=3,  # 2: in float32 alone; 1: with the scales and levels of images in [-1, 1]
)
DUAL_BRIDGE = Solver(
    name="dual-bridge",
    title="dual diffusion bridge, unpaired",
    paper="Su et al. 2023, arXiv:2203.08382",
    solve=by_bridge,
    needs=(),
    kinds=(KIND,),
    samples=False,
    fit=fit_bridge,
    trains=True,
    version=3,  # 2: in float32 alone; 1: with the scales and levels of images in [-1, 1]
)
SDEDIT = Solver(
    name="sdedit",
    title="SDEdit, unpaired",
    paper="Meng et al. 2022, arXiv:2108.01073",
    solve=noised_and_drawn,
    kinds=(KIND,),
    search=tuple({"sigma": sigma} for sigma in (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)),
)
