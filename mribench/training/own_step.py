"""A step by the rule of a variant or update, which draws its own batch: see ``mribench.spec.TakeStep``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from mribench.errors import InputError
from mribench.spec import Batch, Draws, Split, TrainingStep
from mribench.training.draws import BatchDraws
from mribench.training.step import Step, learning_rate


@dataclass
class OwnStep(Step):
    """``Step`` whose batch, gradient and optimiser step are those of ``Update.take_step``."""

    split: Split = field(kw_only=True)  # the training images

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.stage.updates) > 1:
            raise InputError(
                f"the stage {self.stage.name!r} takes its own steps and has {len(self.stage.updates)} updates, "
                "expected a single one"
            )

    def __call__(self, step: int) -> torch.Tensor:
        (update,), (optimizer,) = self.stage.updates, self.optimizers
        self._seed(step)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(self.profile, step, self.total, update.lr)
        loss = update.take_step(self._given(step))
        self._average(step)
        return loss

    def about(self, done: int) -> Mapping[str, Any]:
        return self.stage.updates[0].take_step.about(self._given(done - 1))

    def _given(self, step: int) -> TrainingStep:
        (update,), (optimizer,) = self.stage.updates, self.optimizers

        def loss(net: Any, batch: Batch, draws: Draws) -> torch.Tensor:
            return update.loss(net, batch, self.earlier, draws)

        def batch(images: np.ndarray, draws: Draws) -> Batch:
            pixels = torch.from_numpy(self.split.images[images]).to(self.feed.device)
            label = self.labels.of(images, draws) if self.labels is not None else None
            return Batch(self._shown(pixels, self._coarse(step), draws), label)

        return TrainingStep(
            number=step,
            total=self.total,
            seed=self.seed,
            profile=self.profile,
            subjects=self.split.subjects,
            net=self.net,
            optimizer=optimizer,
            generator=self.draw,
            draws=lambda n: BatchDraws(self.draw, n, slice(None)),
            loss=loss,
            batch=batch,
        )
