"""Small perturbations of an image that mislead a segmentation network, alone or behind a defence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from mribench.seeds import torch_generator
from mribench.spec import NOT_ANNOTATED

if TYPE_CHECKING:
    import torch

REACH = 4 / 255  # the largest change of a grey value, images in [0, 1]
STEPS = 10
AT_ONCE = 16  # images


class Defence(Protocol):
    """What is done to an image before the network sees it, differentiable."""

    def __call__(self, x: torch.Tensor, noise: torch.Tensor, /) -> torch.Tensor:
        """float32 (n, 1, H, W) in [0, 1], of the same. noise: standard normal (1, H, W), for all images."""


def undefended(x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """The image as it is."""
    return x


def attacked(
    net: torch.nn.Module,
    x: np.ndarray,
    y: np.ndarray,
    defence: Defence = undefended,
    start: np.ndarray | None = None,
    reach: float = REACH,
) -> np.ndarray:
    """Images within ``reach`` of the given ones that the network takes for something else: float32 (n, 1, H, W).

    Projected gradient ascent of the cross-entropy by the signs of its gradient (Madry et al. 2018, arXiv 1706.06083);
    each step sees other noise of the defence (Athalye et al. 2018, arXiv 1802.00420). Of the images on the way the one
    of the highest loss is taken. An image's result does not depend on those beside it.

    Args:
        net: Logits (n, classes, H, W) of images.
        x: float32 (n, 1, H, W) in [0, 1].
        y: True label maps, uint8 (n, H, W).
        defence: What the attack goes through.
        start: Where it begins, as x; None: at random.
        reach: The largest change of a grey value.
    """
    import torch

    place = next(net.parameters()).device
    found = []
    for first in range(0, len(x), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        clean, truth = (torch.from_numpy(of[part]).to(place) for of in (x, y))
        begin = torch.rand(clean.shape[1:], generator=torch_generator("attack", "start")).to(place)
        moved = clean + reach * (2 * begin - 1) if start is None else torch.from_numpy(start[part]).to(place)
        moved = _within(moved, clean, reach)
        worst, highest = clean, torch.full((len(clean),), -torch.inf, device=place)
        for step in range(STEPS + 1):
            with torch.enable_grad():
                moved.requires_grad_(True)
                loss = _loss(net(defence(moved, _noise(clean, "step", step))), truth.long())
                # a defence that is flat everywhere has a gradient too: 0
                (gradient,) = torch.autograd.grad(loss.sum() + 0 * moved.sum(), moved)
            moved, better = moved.detach(), loss.detach() > highest
            worst, highest = (
                torch.where(better[:, None, None, None], moved, worst),
                highest.max(loss.detach()),
            )
            # 2.5 times the reach in all, so that every corner can be reached from every start
            moved = _within(moved + 2.5 * reach / STEPS * gradient.sign(), clean, reach)
        found.append(worst.cpu().numpy())
    return np.concatenate(found)


def _loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each image, (n,), summed over its annotated pixels."""
    known = truth != NOT_ANNOTATED
    right = logits.log_softmax(1).gather(1, truth.where(known, 0)[:, None])[:, 0]
    return -(right * known).sum((1, 2))


def _within(moved: torch.Tensor, clean: torch.Tensor, reach: float) -> torch.Tensor:
    return moved.clamp(clean - reach, clean + reach).clamp(0, 1)


def defended(net: torch.nn.Module, x: np.ndarray, defence: Defence) -> np.ndarray:
    """What the network finds in images after the defence, uint8 (n, H, W)."""
    import torch

    place = next(net.parameters()).device
    found = []
    with torch.no_grad():
        for start in range(0, len(x), AT_ONCE):
            images = torch.from_numpy(x[start : start + AT_ONCE]).to(place)
            found.append(net(defence(images, _noise(images, "answer", 0))).argmax(1).cpu().numpy())
    return np.concatenate(found).astype(np.uint8)


def _noise(like: torch.Tensor, use: str, step: int) -> torch.Tensor:
    import torch

    return torch.randn(like.shape[1:], generator=torch_generator("defence", use, step)).to(like.device)
