"""The image and its other contrasts as channels, and what of them a solver is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mribench.spec import Draws, Examples, Measurement, Split

if TYPE_CHECKING:
    import torch

KIND = "translation"
# names of fields, in the order in which they are taken
CONTRASTS = ("t2w", "t1w", "flair", "stir", "pdw", "t1gd", "adc")
LEVELS = (1.0, 2.0)  # contrasts that are shown


def shown_contrasts(split: Split) -> tuple[str, ...]:
    """Names of the contrasts that a split has beside its images, the first ones, as many as a level asks for."""
    return tuple(name for name in CONTRASTS if name in split.fields)[: int(max(LEVELS))]


def channels(split: Split) -> np.ndarray:
    """uint8 (N, 1 + k, H, W): the images, which are sought, and k other contrasts of the same slices."""
    others = (np.asarray(split.fields[name]) for name in shown_contrasts(split))
    return np.stack([split.images, *others], axis=1)


@dataclass(frozen=True)
class FirstContrast:
    """In an operator's place: no linear map leads from an image to its other contrasts.

    What stands for the image is the first contrast as it is.
    """

    def __call__(self, x: torch.Tensor, /) -> torch.Tensor:
        return x

    def adjoint(self, y: torch.Tensor, /) -> torch.Tensor:
        return y[:, :1]


def shown(x: torch.Tensor, level: float, draws: Draws) -> Measurement:
    """The first ``level`` of the other contrasts as they are, with the noise of their own acquisition.

    x: float32 (N, 1 + k, H, W) in [0, 1], as ``channels``.
    """
    return Measurement(x[:, 1 : 1 + int(level)], FirstContrast(), 0.0, (x.shape[-2], x.shape[-1]))


class Pairs(NamedTuple):
    """Training images as a level shows them."""

    target: np.ndarray  # float32 (N, H, W) in [0, 1]
    sources: np.ndarray  # float32 (N, k, H, W) in [0, 1]


def pairs(examples: Examples) -> Pairs:
    """Images without other contrasts are their own only contrast."""
    images = examples.images
    if images.ndim == 3:
        return Pairs(images, images[:, None])
    return Pairs(images[:, 0], images[:, 1 : 1 + int(examples.level)])
