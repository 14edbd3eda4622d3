"""DDPM trained on images with hidden patches, after mDDPM (Iqbal et al. 2023, arXiv 2305.19867): its spatial masks.

The network must tell hidden patches from what stands beside them. The paper masks x_0 before the noise is added, which
moves D(x; sigma) also where nothing is masked. Here the masked pixels of x_t are exactly 0, which noise never is, and
half of the images stay whole: on whole images the optimal denoiser is DDPM's. Like dropout, masks belong to training;
in evaluation mode, as for the validation loss and the audit, images are whole.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mribench.variants.ddpm import DDPM
from mribench_score import x0 as predicts_x0

if TYPE_CHECKING:
    import torch

GRID = 8  # patches along a side
HIDDEN = 0.25  # share of the patches of a masked image
WHOLE = 0.5  # share of the images without a mask


def loss(net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """|| x_0 - x_theta(m x_t, t) ||^2 per image over all pixels, float32 (N,); m is 0 on hidden patches."""
    x_t = scheduler.add_noise(x0, noise, t)
    if net.training:
        x_t = x_t * mask(x_t)
    return (net(x_t, t).sample.float() - x0).square().mean(dim=(1, 2, 3))


def mask(x: torch.Tensor) -> torch.Tensor:
    """float32 (N, 1, H, W): 0 on hidden patches, else 1; x: (N, C, H, W).

    From the global generator, as dropout: mribench seeds it by (seed, step). Processes that share a batch draw the same
    masks, each for its part.
    """
    import torch
    import torch.nn.functional as F

    kept = torch.rand(len(x), 1, GRID, GRID, device=x.device) >= HIDDEN
    whole = torch.rand(len(x), 1, 1, 1, device=x.device) < WHOLE
    return F.interpolate((kept | whole).float(), size=x.shape[2:])


MASKED = replace(
    DDPM,
    name="masked",
    title="DDPM, masked patches",
    paper="after Iqbal et al. 2023, arXiv 2305.19867; half of the images whole",
    scheduler=predicts_x0.scheduler,
    loss=loss,
)
