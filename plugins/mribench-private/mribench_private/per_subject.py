"""Gradients of single subjects, clipped and summed: the one quantity that differential privacy lets a training see."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mribench.errors import InputError
from mribench.spec import Batch

if TYPE_CHECKING:
    import torch

AT_ONCE = 16  # subjects whose gradients are in memory together


class WithParameters:
    """A network called with other parameters than its own; every other attribute is the network's."""

    def __init__(self, net: Any, parameters: Mapping[str, torch.Tensor]):
        self._net, self._parameters = net, parameters

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from torch.func import functional_call

        return functional_call(self._net, dict(self._parameters), args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)


def clipped_sum(
    net: Any, loss: Callable[[Any, Batch], torch.Tensor], batch: Batch, clip_norm: float
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """The sum over subjects of g min(1, C / |g|), g the gradient of one of them; Abadi et al. 2016, arXiv 1607.00133,
    algorithm 1.

    One subject more or less changes it by at most C in the Euclidean norm over all parameters.

    Args:
        net: A ``torch.nn.Module`` that computes nothing over the images of a batch.
        loss: (net, one subject's batch) -> float32 (); what it draws at random it draws for each subject.
        batch: One image of each subject; there may be none.
        clip_norm: C.

    Returns:
        The sum by name of the parameter, and the losses, float32 (n,).

    Raises:
        InputError: the network has a batch norm, which shows every image to every other one.
    """
    import torch
    from torch.func import grad_and_value, vmap
    from torch.nn.modules.batchnorm import _BatchNorm

    if any(isinstance(module, _BatchNorm) for module in net.modules()):
        raise InputError(
            "the network has a batch norm, with which the gradient of a subject depends on all others; use a group norm"
        )
    parameters = {name: p.detach() for name, p in net.named_parameters() if p.requires_grad}
    sums = {name: torch.zeros_like(p) for name, p in parameters.items()}
    losses = [batch.x.new_zeros(0)]

    def of_one(moved: Mapping[str, torch.Tensor], one: Batch) -> torch.Tensor:
        alone = Batch(*(None if part is None else part.unsqueeze(0) for part in one))
        return loss(WithParameters(net, moved), alone)

    axes = Batch(*(None if part is None else 0 for part in batch))
    of_each = vmap(grad_and_value(of_one), in_dims=(None, axes), randomness="different")
    for first in range(0, len(batch.x), AT_ONCE):
        few = Batch(*(None if part is None else part[first : first + AT_ONCE] for part in batch))
        with warnings.catch_warnings():
            # attention is computed image by image: it is a small part of a U-Net
            warnings.filterwarnings("ignore", "There is a performance drop")
            gradients, values = of_each(parameters, few)
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients.values()]).norm(dim=0)
        weights = (clip_norm / norms).clamp(max=1)
        for name, gradient in gradients.items():
            sums[name] += torch.tensordot(weights, gradient, 1)
        losses.append(values.detach())
    return sums, torch.cat(losses)
