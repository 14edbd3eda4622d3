"""A network that notes what a loss or a sampler shows it, and may answer in its own place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

MIDDLE = (0.2, 0.5, 0.8)  # of the timesteps; at the ends signal or noise is lost in rounding


class Probe:
    """Called as the network; ``seen`` is the x_t and ``told`` the timestep of the last call.

    Args:
        net: The network.
        answer: What is given in place of its output; None: its own.
    """

    def __init__(self, net: Any, answer: torch.Tensor | None = None):
        self._net, self._answer = net, answer
        self.seen: Any = None
        self.told: Any = None

    def __call__(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        self.seen = x
        self.told = args[0] if args else kwargs.get("timestep")
        out = self._net(x, *args, **kwargs)
        if self._answer is not None:
            out.sample = self._answer.expand_as(out.sample) if self._answer.ndim == 0 else self._answer
        return out

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)
