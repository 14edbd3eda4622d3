"""A diffusion of one-hot masks with Gaussian noise, which sees the image beside them.

The network gives the probability of each label, which is the mean of the one-hot mask that D(x; sigma) asks for, and
learns by cross-entropy (Dieleman et al. 2022, arXiv 2211.15089), as the other networks of the board do. Squared errors,
as in the papers below, would seek the same mean, and learn it more slowly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench_inverse.steps import noise_levels
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
LEAST, LARGEST = 0.05, 20.0
SPREAD = 0.5  # of masks, by which the network's input is scaled


class MaskDenoiser:
    """D(x; sigma, image) of one-hot masks (N, classes, H, W), 0 and 1: a ``mribench.spec.Denoiser``.

    Args:
        net: Of masks and image, concatenated; it gives logits.
        image: float32 (N, 1, H, W) in [0, 1].
    """

    sigmas = (LEAST, LARGEST)

    def __init__(self, net: Any, image: torch.Tensor):
        self._net, self._image, self.nfe = net, image, 0

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        self.nfe += 1
        return logits(self._net, x, x.new_full((len(x), 1, 1, 1), float(sigma)), self._image).softmax(1)


def logits(net: Any, x: torch.Tensor, sigma: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Of each label given masks with noise and the image, (N, classes, H, W). sigma: (N, 1, 1, 1)."""
    import torch

    scale = (sigma**2 + SPREAD**2).sqrt()
    seen = torch.cat([(x - 0.5) / scale, (image - 0.5) / SPREAD], dim=1)
    return net(seen, 250 * sigma.flatten().log()).sample


def noise_loss(net: Any, image: torch.Tensor, labels: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Cross-entropy of labels given masks with noise of a random level, and the image."""
    x = one_hot(labels, net.config.out_channels)
    sigma = (DEVIATION * draws.normal(1, 1, 1) + MEAN).exp()
    found = logits(net, x + sigma * draws.normal(*x.shape[1:]), sigma, image).log_softmax(1)
    return -((x * found).sum(1) * (labels != NOT_ANNOTATED)).mean()


def drawn(denoiser: Denoiser, classes: int, shape: tuple[int, int], draws: Draws) -> torch.Tensor:
    """One-hot masks up to what the last step leaves, (N, classes, H, W), along the probability-flow ODE."""
    levels = noise_levels(denoiser, STEPS)
    return heun(denoiser, 0.5 + levels[0] * draws.normal(classes, *shape), levels, draws)


def by_gaussian(net: Any, m: Measurement, draws: Draws) -> torch.Tensor:
    """A draw of p(label map | image)."""
    masks = drawn(MaskDenoiser(net, m.y), net.config.out_channels, m.shape, draws)
    return as_answer(masks.argmax(1))


def fit_gaussian(examples: Examples) -> Any:
    """A network that sees masks with noise and the image."""
    classes = pairs(examples).classes
    return learned(lambda: unet(examples.profile, 1 + classes, classes), examples, noise_loss)


GAUSSIAN = Solver(
    name="gaussian-mask-diffusion",
    title="Gaussian diffusion of one-hot masks",
    paper="Wolleb et al. 2021, arXiv:2112.03145; as MedSegDiff, Wu et al. 2022, arXiv:2211.00611, without its encoder",
    solve=by_gaussian,
    needs=(),
    kinds=(KIND,),
    fit=fit_gaussian,
    trains=True,
    version=2,  # 1: in float32 alone
)
