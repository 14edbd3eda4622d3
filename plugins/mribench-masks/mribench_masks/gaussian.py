"""A diffusion of one-hot masks with Gaussian noise, which sees the image beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench_inverse.comparators import SPREAD, conditional_denoiser
from mribench_inverse.steps import noise_levels
from mribench_paired.diffusions import GivenDenoiser
from mribench_paired.networks import unet
from mribench_score.integrators import heun

from mribench.spec import NOT_ANNOTATED, Denoiser, Draws, Examples, Measurement, Solver
from mribench_masks.label_maps import KIND, as_answer, one_hot, pairs
from mribench_masks.networks import learned

if TYPE_CHECKING:
    import torch

STEPS = 12  # of Heun's method, 23 evaluations
# logarithm of the noise level in training. A structure of many pixels is seen through more noise than one pixel is, so
# levels are higher than for images, and there is nothing to tell apart below a tenth of the step from 0 to 1
MEAN, DEVIATION = 0.0, 1.5


class MaskDenoiser(GivenDenoiser):
    """D(x; sigma, image) of one-hot masks (N, classes, H, W), 0 and 1."""

    sigmas = (0.05, 20.0)


def denoising_loss(net: Any, image: torch.Tensor, labels: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Of D(x + sigma eps; sigma, image), weighted as in Karras et al. 2022, arXiv 2206.00364, table 1."""
    x = one_hot(labels, net.config.out_channels)
    sigma = (DEVIATION * draws.normal(1, 1, 1) + MEAN).exp()
    found = conditional_denoiser(net, x + sigma * draws.normal(*x.shape[1:]), sigma, image)
    weight = (sigma**2 + SPREAD**2) / (sigma * SPREAD) ** 2 * (labels != NOT_ANNOTATED)[:, None]
    return (weight * (found - x).square()).mean()


def drawn(denoiser: Denoiser, classes: int, shape: tuple[int, int], draws: Draws) -> torch.Tensor:
    """One-hot masks up to what the last step leaves, (N, classes, H, W), along the probability-flow ODE."""
    levels = noise_levels(denoiser, STEPS)
    return heun(denoiser, 0.5 + levels[0] * draws.normal(classes, *shape), levels, draws)


def by_gaussian(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """A draw of p(label map | image)."""
    masks = drawn(MaskDenoiser(net, m.y), net.config.out_channels, m.shape, draws)
    return as_answer(masks.argmax(1))


def fit_gaussian(examples: Examples) -> Any:
    """A network that sees the noised masks and the image."""
    classes = pairs(examples).classes
    return learned(lambda: unet(examples.profile, 1 + classes, classes), examples, denoising_loss)


GAUSSIAN = Solver(
    name="gaussian-mask-diffusion",
    title="Gaussian diffusion of one-hot masks",
    paper="Wolleb et al. 2021, arXiv:2112.03145; as MedSegDiff, Wu et al. 2022, arXiv:2211.00611, without its encoder",
    solve=by_gaussian,
    needs=(),
    kinds=(KIND,),
    fit=fit_gaussian,
    trains=True,
)
