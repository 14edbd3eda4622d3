"""The network of a variant with conditions as a sampler calls it: one label bound, and classifier-free guidance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mribench import files
from mribench.errors import InputError
from mribench.training.conditions import CONDITIONS, LabelledNetwork


class GuidedNetwork:
    """Classifier-free guidance, null + w (label - null) of the network's outputs.

    Ho & Salimans 2022, arXiv 2207.12598, equation 6, whose weight is w - 1. As D(x; sigma) is linear in the output, it
    is D_null + w (D_label - D_null). Each call is two evaluations of the network.

    Args:
        net: Takes ``class_labels``.
        label: int64 ().
        null: int64 (), the null label.
        weight: w.
    """

    def __init__(self, net: Any, label: torch.Tensor, null: torch.Tensor, weight: float):
        self.labelled = LabelledNetwork(net, label)  # without guidance
        self._null, self._weight = LabelledNetwork(net, null), weight

    def __call__(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        null, out = (net(x, *args, **kwargs) for net in (self._null, self.labelled))
        out.sample = null.sample + self._weight * (out.sample - null.sample)
        return out

    def __getattr__(self, name: str) -> Any:
        return getattr(self.labelled, name)


def labels_of(training: Path) -> list[str]:
    """The labels that a training knows, in their order; none, of a training without conditions."""
    conditions = files.read_json(training / "train.json").get(CONDITIONS, {})
    return [label for condition in conditions.values() for label in condition["labels"]]


def bind(
    net: Any, known: list[str], label: str | None, guidance: float, where: torch.device
) -> LabelledNetwork | GuidedNetwork:
    """The network at one label, with guidance, called as that of a variant without conditions.

    Args:
        net: Takes ``class_labels``.
        known: The labels of its training, in their order.
        label: One of them; None for the only one.
        guidance: The weight w.
        where: The device.

    Raises:
        InputError: The training has no such label.
    """
    if label is None and len(known) == 1:
        label = known[0]
    if label not in known:
        raise InputError(f"the training has no label {label!r}, expected one of {', '.join(known)}")
    index, null = (torch.tensor(i, device=where) for i in (known.index(label), len(known)))
    return LabelledNetwork(net, index) if guidance == 1 else GuidedNetwork(net, index, null, guidance)
