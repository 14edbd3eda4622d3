"""Perception-prioritised (P2) weighting of the loss; Choi et al. 2022, arXiv 2204.00227."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mribench.variants.ddpm import DDPM
from mribench_score.snr import noise_error, snr

if TYPE_CHECKING:
    import torch

K, GAMMA = 1.0, 1.0  # the paper's


def loss(net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """(k + SNR)^(-gamma) || eps - eps_theta ||^2, equation 8, float32 (N,): of eps, whatever the network predicts.

    With k = gamma = 1 the weight is 1 - alpha_bar: what is hardly noisy counts little.
    """
    error = noise_error(net, scheduler, x0, noise, t)
    return (K + snr(scheduler, t)) ** -GAMMA * error


P2 = replace(
    DDPM,
    name="p2",
    title="DDPM, P2 weights",
    paper="Choi et al. 2022, arXiv 2204.00227",
    loss=loss,
)
