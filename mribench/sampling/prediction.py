"""x_0 from what a network predicts (Salimans & Ho 2022, arXiv 2202.00512, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mribench.errors import InputError

if TYPE_CHECKING:
    import torch

# x_0 from (output, x_t, signal, sigma) where signal^2 + sigma^2 = 1
ESTIMATES: dict[str, Callable[..., Any]] = {
    # v = signal eps - sigma x_0
    "v_prediction": lambda out, x_t, signal, sigma: signal * x_t - sigma * out,
    "epsilon": lambda out, x_t, signal, sigma: (x_t - sigma * out) / signal,
    "sample": lambda out, x_t, signal, sigma: out,
}


def estimate_by_prediction(
    net: Any, x_t: torch.Tensor, t: torch.Tensor, signal: torch.Tensor, sigma: torch.Tensor, *, scheduler: Any
) -> torch.Tensor:
    """A ``Variant.estimate`` by the ``prediction_type`` of the variant's scheduler, for any path.

    v is that of the path at unit length, (signal eps - sigma x_0) / sqrt(signal^2 + sigma^2). Channels of the output
    beyond those of x_t, such as a learned variance, are not used.
    """
    length = (signal**2 + sigma**2) ** 0.5
    out = net(x_t, t).sample.float()[:, : x_t.shape[1]]
    return formula(scheduler.config.prediction_type)(out, x_t / length, signal / length, sigma / length)


def formula(prediction: str) -> Callable[..., Any]:
    """Of ``ESTIMATES``. Raises InputError for a prediction type that is none of them."""
    if prediction not in ESTIMATES:
        raise InputError(
            f"the variant's scheduler says that it predicts {prediction!r}, which is none of {', '.join(ESTIMATES)}; "
            "give it `estimate`"
        )
    return ESTIMATES[prediction]
