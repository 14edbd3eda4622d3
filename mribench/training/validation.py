"""The validation loss of a stage: always on the same images, timesteps and noise, with averaged weights."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from mribench.spec import Batch, Split
from mribench.training.conditions import LabelledSplit
from mribench.training.draws import ValidationDraws
from mribench.training.step import Step


def validation_loss(step: Step, split: Split) -> Callable[[Any], float]:
    """A function net -> mean loss over images and draws that never change."""
    stage, profile, where = step.stage, step.profile, step.feed.device
    n = min(profile.eval_images, len(split))
    chosen = np.linspace(0, len(split) - 1, n).astype(int)
    x = torch.from_numpy(split.images[chosen]).to(where).unsqueeze(1).float() / 127.5 - 1
    labels = torch.from_numpy(split.labels[chosen]).to(where) if isinstance(split, LabelledSplit) else None
    parts = [slice(first, first + profile.batch_size) for first in range(0, n, profile.batch_size)]
    loss = stage.validation or stage.updates[0].loss

    def batch(part: slice) -> Batch:
        return Batch(x[part], None if labels is None else labels[part])

    @torch.no_grad()
    def evaluate(net: Any) -> float:
        net.eval()
        losses = [loss(net, batch(part), step.earlier, ValidationDraws(n, part, where)) for part in parts]
        return torch.cat(losses).mean().item()

    return evaluate


@contextlib.contextmanager
def averaged(net: torch.nn.Module, ema: list[torch.Tensor] | None) -> Iterator[None]:
    """Within the block the network has the weights of its moving average: what is evaluated is what is shipped."""
    if ema is None:
        yield
        return
    parameters = list(net.parameters())
    own = [p.detach().clone() for p in parameters]
    try:
        with torch.no_grad():
            torch._foreach_copy_(parameters, ema)
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(parameters, own)
