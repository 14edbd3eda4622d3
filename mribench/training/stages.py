"""The stages of what is trained: those of a generative model, or the network of a variant after its autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from mribench.spec import Batch, Draws, GenerativeModel, Stage, Update, Variant
from mribench.training.conditions import LabelledNetwork
from mribench.training.space import Space


@dataclass(frozen=True)
class DiffusionLoss:
    """A variant's own loss as the loss of an update: at timesteps and with noise from ``draws``."""

    variant: Variant
    scheduler: Any
    space: Space

    def __call__(self, net: Any, batch: Batch, earlier: Mapping[str, Any], draws: Draws) -> torch.Tensor:
        t = draws.integers(self.scheduler.config.num_train_timesteps)
        x0 = self.space.encode(batch.x)
        noise = shaped(self.variant, draws.normal(*x0.shape[1:]))
        if self.variant.conditions:
            net = LabelledNetwork(net, batch.label)
        return self.variant.loss(net, self.scheduler, x0, noise, t)


def shaped(variant: Variant, white: torch.Tensor) -> torch.Tensor:
    """The noise of the variant's forward process from white noise."""
    return variant.noise(white) if variant.noise else white


def diffusion_stage(variant: Variant, scheduler: Any, space: Space, share: float = 1.0) -> Stage:
    """The training of a variant's network in a space."""
    update = Update(DiffusionLoss(variant, scheduler, space), take_step=variant.take_step)
    return Stage("diffusion", variant.network, (update,), share=share, coarse=variant.autoencoder is None)


def earlier_stages(model: Variant | GenerativeModel) -> tuple[Stage, ...]:
    """All stages that have a folder of their own: not the network of a variant, whose folder is the training's."""
    if isinstance(model, GenerativeModel):
        return model.stages
    return (model.autoencoder.stage,) if model.autoencoder else ()
