"""The adversarial game: the non-saturating losses of a critic and a generator, with the R1 penalty."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def critic_loss(
    critic: Callable[[torch.Tensor], torch.Tensor], real: torch.Tensor, fake: torch.Tensor, gamma: float
) -> torch.Tensor:
    """-log D(real) - log(1 - D(fake)) + gamma / 2 |grad critic(real)|^2, float32 (N,).

    The first two terms are Goodfellow et al. 2014, arXiv 1406.2661, equation 1, with D = sigmoid(critic); the third is
    R1 of Mescheder et al. 2018, arXiv 1801.04406, equation 9.

    Args:
        critic: Logits (N,) of images, (N, C, H, W) or any other shape.
        real: Images of the data.
        fake: Images of the generator, without gradient.
        gamma: Weight of the penalty.
    """
    import torch
    import torch.nn.functional as F

    # a leaf here is more than the FLOP counter's hooks can bear
    real = real.detach().requires_grad_().clone()
    logits = critic(real)
    (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    penalty = slope.float().square().flatten(1).sum(1)
    return F.softplus(-logits) + F.softplus(critic(fake)) + gamma / 2 * penalty


def generator_loss(logits: torch.Tensor) -> torch.Tensor:
    """-log D(fake), the non-saturating loss (Goodfellow et al. 2014, section 3), float32 (N,)."""
    import torch.nn.functional as F

    return F.softplus(-logits)


def energy_score_of_batch(real: torch.Tensor, fake: torch.Tensor, another: torch.Tensor) -> torch.Tensor:
    """``energy_score``, float32 (N,), of images (N, C, H, W) all held to the same (M, C, H, W), in all pairs."""
    n = len(fake)
    pairs = fake.repeat_interleave(n, dim=0)[None], another.repeat(n, 1, 1, 1)[None]
    return energy_score(real, *(part.expand(len(real), *part.shape[1:]) for part in pairs))


def energy_score(real: torch.Tensor, fake: torch.Tensor, another: torch.Tensor) -> torch.Tensor:
    """E |x - y| - E |y - y'| / 2 per root of a pixel, float32 (N,): lowest where y and y' are distributed as x.

    Gneiting & Raftery 2007, doi:10.1198/016214506000001437, equation 21. Adversarial losses are no measure of quality;
    this one chooses between checkpoints.

    Args:
        real: (N, C, H, W).
        fake: y for each image, (N, M, C, H, W).
        another: y' for each image, independent of y, of the shape of y.
    """
    real, fake, another = (part.flatten(2) for part in (real[:, None], fake, another))
    spread = (fake - another).norm(dim=2).mean(1)
    return ((fake - real).norm(dim=2).mean(1) - spread / 2) / real.shape[2] ** 0.5
