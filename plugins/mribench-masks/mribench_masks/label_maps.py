"""Label maps as what is sought, and the image as what a solver is shown.

A solver answers with grey values, so a label map travels as one: label k of at most 254 is k / 255.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from mribench_downstream.labelled import FIELD, annotated
from mribench_paired.contrasts import FirstContrast

from mribench.spec import NOT_ANNOTATED, Draws, Examples, Measurement, Split

if TYPE_CHECKING:
    import torch

KIND = "delineation"


def channels(split: Split) -> np.ndarray:
    """uint8 (N, 2, H, W): the label maps, which are sought, and the images."""
    return np.stack([np.asarray(split.fields[FIELD]), split.images], axis=1)


def to_learn_from(split: Split) -> np.ndarray:
    """``channels`` of the images in which somebody has drawn."""
    return channels(split)[annotated(split)]


def shown(x: torch.Tensor, level: float, draws: Draws) -> Measurement:
    """The image as it is. x: float32 (N, 2, H, W) in [0, 1], as ``channels``."""
    return Measurement(x[:, 1:], FirstContrast(), 0.0, (x.shape[-2], x.shape[-1]))


class Pairs(NamedTuple):
    """Training images and their label maps."""

    labels: np.ndarray  # int64 (N, H, W), ``NOT_ANNOTATED`` where nobody has drawn
    images: np.ndarray  # float32 (N, H, W) in [0, 1]
    classes: int  # labels from 0, the background, to the largest that was drawn


def pairs(examples: Examples) -> Pairs:
    """Images without label maps are their own, with a label for every grey value."""
    images = examples.images
    if images.ndim == 3:
        return Pairs(_labels(images), images, NOT_ANNOTATED)
    labels = _labels(images[:, 0])
    return Pairs(labels, images[:, 1], int(labels[labels != NOT_ANNOTATED].max(initial=0)) + 1)


def _labels(grey: np.ndarray) -> np.ndarray:
    return np.rint(grey.clip(0, 1) * 255).astype(np.int64)


def labels_of(x: torch.Tensor) -> torch.Tensor:
    """int64 (N, H, W), label maps from grey values (N, 1, H, W)."""
    return (x[:, 0].clamp(0, 1) * 255).round().long()


def as_answer(labels: torch.Tensor) -> torch.Tensor:
    """float32 (N, 1, H, W), what a solver returns for label maps (N, H, W)."""
    return labels[:, None].float() / 255


def one_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """float32 (N, classes, H, W) of int64 (N, H, W); what is not annotated counts as background."""
    import torch.nn.functional as F

    known = labels.where(labels != NOT_ANNOTATED, 0)
    return F.one_hot(known, classes).movedim(-1, 1).float()
