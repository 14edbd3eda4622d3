"""What weightings of the loss share: the signal-to-noise ratio, and the error of the noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mribench.variants.ddpm import DDPM

if TYPE_CHECKING:
    import torch


def snr(scheduler: Any, t: torch.Tensor) -> torch.Tensor:
    """alpha_bar_t / (1 - alpha_bar_t), float32 (N,)."""
    alpha_bar = scheduler.alphas_cumprod.to(t.device)[t]
    return alpha_bar / (1 - alpha_bar)


def noise_error(
    net: Any, scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor
) -> torch.Tensor:
    """|| eps - eps_theta ||^2 per image, float32 (N,): the loss that papers weight.

    Of a network that predicts v, eps = sqrt(alpha_bar) v + sqrt(1 - alpha_bar) x_t (Salimans & Ho 2022, arXiv
    2202.00512, appendix D): an error of v is an error of eps times sqrt(alpha_bar).
    """
    error = DDPM.loss(net, scheduler, x0, noise, t)
    if scheduler.config.prediction_type == "v_prediction":
        # the loss has moved alphas_cumprod to where t is
        error = scheduler.alphas_cumprod[t] * error
    return error
