"""Min-SNR weighting of the loss; Hang et al. 2023, arXiv 2303.09556."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mribench.variants.ddpm import DDPM
from mribench_score.snr import noise_error, snr

if TYPE_CHECKING:
    import torch

GAMMA = 5.0  # the paper's, section 3.4


def loss(net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """min(SNR, gamma) || x_0 - x_theta ||^2, equation 8, float32 (N,).

    An error of x_0 is one of eps times SNR^(-1/2), so that the weight is min(SNR, gamma) / SNR where the network
    predicts eps and min(SNR, gamma) / (SNR + 1) where it predicts v (the paper, section 3.4).
    """
    error = noise_error(net, scheduler, x0, noise, t)
    ratio = snr(scheduler, t)
    return ratio.clamp(max=GAMMA) / ratio * error


MIN_SNR = replace(
    DDPM,
    name="min-snr",
    title="DDPM, min-SNR weights",
    paper="Hang et al. 2023, arXiv 2303.09556",
    loss=loss,
)
