"""Budgets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Network:
    """Shape of a ``diffusers.UNet2DModel``."""

    channels: tuple[int, ...]  # per level
    layers_per_block: int = 2  # ResNet blocks per level
    attention_levels: tuple[int, ...] = ()
    norm_groups: int = 8
    head_dim: int = 8
    patch: int = 1  # side of the pixel patches that the U-Net sees as one pixel of patch**2 channels


@dataclass(frozen=True)
class Profile:
    """A named budget: data, network, training, sampling and scoring sizes. A board never mixes two of them."""

    name: str
    purpose: str
    # data
    size: int
    max_images: int
    phantom_subjects: int
    phantom_slices: int
    # network and training
    network: Network
    # what the network outputs: Salimans & Ho, arXiv 2202.00512: v = sqrt(abar) eps - sqrt(1 - abar) x_0
    prediction: Literal["epsilon", "v_prediction"]
    optimizer: Literal["adam", "adamw"]
    lr: float
    lr_schedule: Literal["constant", "cosine"]  # cosine: to zero over ``max_steps``
    warmup_steps: int  # of linear warm-up, before the schedule
    batch_size: int
    max_epochs: (
        int | None
    )  # training ends at max_epochs or max_steps, whichever comes first; None: no such bound
    max_steps: int | None
    eval_every: int  # steps
    eval_images: int
    patience: int | None  # evaluations without a better validation loss before training stops early
    ema_decay: float | None  # None keeps no moving average
    grad_clip: float | None  # largest gradient norm; None for no clipping
    flip: bool
    keep: Literal[
        "best", "last"
    ]  # which weights are sampled: lowest validation loss, or the last; both are saved
    # sampling and scoring
    samplers: tuple[str, ...]
    n_generated: int  # images of each cell for the generation task
    sample_batch: int  # fixed, because the last bits of a convolution depend on the batch shape
    alpha_bars: tuple[float, ...] = (0.89702, 0.52409, 0.07859)
    # None: what the device does best (bf16 where a probe says it is faster)
    precision: Literal["fp32", "bf16", "fp16"] | None = None
    checkpoint_every: int = 500  # steps
    # this many of the first steps see 2 x 2 means of the images, at a quarter of the cost: what is large is learned
    # there (progressive resizing; cf. Karras et al., arXiv 1710.10196)
    coarse_steps: int = 0
    # on a GPU, ``torch.compile`` of the training step: minutes that pay over thousands of steps
    compile: bool = False
    # whether boards of this profile may rank
    ranks: bool = field(default=True, metadata={"since": "0.1.1"})

    def total_steps(self, n: int) -> int:
        """Optimiser steps of a training on ``n`` images: the smaller of ``max_steps`` and ``max_epochs``."""
        bounds = [self.max_steps] if self.max_steps else []
        if self.max_epochs:
            bounds.append(math.ceil(self.max_epochs * n / self.batch_size))
        return min(bounds)
