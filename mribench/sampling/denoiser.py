"""The denoiser D(x; sigma) of a trained variant, whatever its forward process and its network's output."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import torch

from mribench.sampling.forward_process import alpha_bars
from mribench.sampling.prediction import formula
from mribench.spec import Variant


class VariantDenoiser:
    """A ``mribench.spec.Denoiser`` in the space and range of the variant's process.

    The level sigma of x = x_0 + sigma eps is that of the process's x_t = signal x_0 + sigma_t eps with
    sigma_t / signal = sigma; between two timesteps t is interpolated in log sigma.

    Args:
        variant: What was trained.
        net: Its network, called as its loss calls it.
        scheduler: Its training scheduler.
    """

    def __init__(self, variant: Variant, net: Callable[..., Any], scheduler: Any):
        alpha_bar, scale = alpha_bars(variant, scheduler)
        # at the end of a straight path there is no signal left
        known = alpha_bar > 0
        self._log_sigma = 0.5 * (np.log1p(-alpha_bar[known]) - np.log(alpha_bar[known]))
        self._log_scale = np.log(scale[known])
        self.sigmas = float(np.exp(self._log_sigma[0])), float(np.exp(self._log_sigma[-1]))
        self.nfe = 0
        self._net = net
        self._estimate = _estimate(variant, scheduler)

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        self.nfe += 1
        levels = torch.as_tensor(sigma, dtype=torch.float64).detach().cpu().expand(len(x)).numpy()
        log_sigma = np.log(levels)
        # np.interp keeps to the ends: a level beyond those of the training is taken for the nearest
        t = np.interp(log_sigma, self._log_sigma, np.arange(len(self._log_sigma)))
        scale = np.exp(np.interp(log_sigma, self._log_sigma, self._log_scale))
        # alpha_bar = 1 / (1 + sigma^2), see ``forward_process.alpha_bars``
        signal = scale / np.sqrt(1 + levels**2)
        t, signal, noise = (
            torch.as_tensor(part, dtype=torch.float32, device=x.device)
            for part in (t, signal, signal * levels)
        )
        signal, noise = signal[:, None, None, None], noise[:, None, None, None]
        return self._estimate(self._net, signal * x, t, signal, noise)


def _estimate(variant: Variant, scheduler: Any) -> Callable[..., torch.Tensor]:
    """What a variant estimates x_0 by, with the scheduler where it takes one."""
    if variant.estimate is not None:
        takes_scheduler = "scheduler" in signature(variant.estimate).parameters
        return partial(variant.estimate, scheduler=scheduler) if takes_scheduler else variant.estimate
    estimate = formula(scheduler.config.prediction_type)

    def by_prediction(net: Any, x_t: torch.Tensor, t: Any, signal: Any, sigma: Any) -> torch.Tensor:
        # a learned variance has channels of its own
        return estimate(net(x_t, t).sample.float()[:, : x_t.shape[1]], x_t, signal, sigma)

    return by_prediction
