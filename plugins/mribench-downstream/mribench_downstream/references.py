"""Networks that saw no generated image: trained on real subjects, or on noise in the place of generated images.

They are the same for every generator on the same data, and are trained once for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mribench.seeds import numpy_rng
from mribench.spec import Prepared, Split
from mribench_downstream.labelled import FIELD, Labelled, classes, grey, labelled_subjects, some_subjects
from mribench_downstream.segmenter import predict, train

if TYPE_CHECKING:
    import torch

TRAININGS = 3  # of each network; they differ in labelled subjects, first weights and batches
# share of the labelled training subjects; 0 stands for a single one
SHARES = {"1": 0.0, "10": 0.1, "50": 0.5, "100": 1.0}


@dataclass(frozen=True)
class Setting:
    """What the networks depend on; equal where the hashes of the data are."""

    data: Prepared = field(compare=False, repr=False)
    steps: int  # of each training
    generated: int  # how many noise images
    key: str = ""  # of images and label maps

    @classmethod
    def of(cls, data: Prepared, steps: int, generated: int) -> Setting:
        return cls(data, steps, generated, f"{data.key} {data.field_keys[FIELD]}")


@dataclass(frozen=True)
class References:
    """The networks of one number of a training."""

    real: Mapping[str, torch.nn.Module]  # by the share of real subjects
    noise: torch.nn.Module

    @property
    def labeller(self) -> torch.nn.Module:
        """The network of all training subjects."""
        return self.real["100"]


def count(split: Split, part: str) -> int:
    """How many labelled subjects a share is, at least one."""
    return max(1, round(SHARES[part] * len(labelled_subjects(split))))


@lru_cache(maxsize=TRAININGS)
def references(setting: Setting, training: int) -> References:
    """The networks of one number of a training."""
    data, steps = setting.data, setting.steps
    real = {
        part: train(
            [some_subjects(data.train, count(data.train, part), training)], classes(data), steps, training
        )
        for part in SHARES
    }
    x = grey(_noise(data.train.images, setting.generated, training))
    labelled = Labelled(x, predict(real["100"], x))
    return References(real, train([labelled], classes(data), steps, training))


def _noise(images: np.ndarray, count: int, training: int) -> np.ndarray:
    """Independent pixels with mean and standard deviation of the training images: uint8 (count, H, W)."""
    mean, spread = images.mean(), images.std()
    drawn = [numpy_rng("noise", training, i).normal(mean, spread, images.shape[1:]) for i in range(count)]
    return np.rint(np.clip(drawn, 0, 255)).astype(np.uint8)
