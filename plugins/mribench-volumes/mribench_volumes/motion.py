"""Displacement fields: how they travel as an answer, and what they do to images and label maps.

A displacement leads from each pixel of the fixed image to the point of the moving image where its tissue lies, down and
right, in pixels. A solver answers with grey values, so both components travel as one picture twice as high.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mribench.spec import Draws, Measurement, Split

if TYPE_CHECKING:
    import torch

KIND = "registration"
FIXED, MOVING, TRUTH = "end-systole", "end-diastole", "motion"  # fields
FIXED_LABELS, MOVING_LABELS = f"{FIXED}-labels", f"{MOVING}-labels"


def channels(split: Split) -> np.ndarray:
    """uint8 (N, 2, H, W): the fixed images, and the moving ones that are to be warped to them."""
    return np.stack([np.asarray(split.fields[name]) for name in (FIXED, MOVING)], axis=1)


@dataclass(frozen=True)
class NoMotion:
    """In an operator's place: no linear map leads from a displacement to the images. What stands for it is none."""

    def __call__(self, x: torch.Tensor, /) -> torch.Tensor:
        return x

    def adjoint(self, y: torch.Tensor, /) -> torch.Tensor:
        return as_answer(y.new_zeros(len(y), 2, *y.shape[2:]))


def shown(x: torch.Tensor, level: float, draws: Draws) -> Measurement:
    """Both images as they are. x: float32 (N, 2, H, W) in [0, 1], as ``channels``."""
    return Measurement(x, NoMotion(), 0.0, (x.shape[-2], x.shape[-1]))


def pair(y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Fixed and moving images, (N, 1, H, W) each, of ``Measurement.y``; one channel alone is both."""
    return y[:, :1], y[:, -1:]


def as_answer(displacement: torch.Tensor) -> torch.Tensor:
    """float32 (N, 1, 2 H, W) in [0, 1] where (N, 2, H, W), in pixels, stays within half an image."""
    n, _, height, width = displacement.shape
    return (0.5 + displacement / width).reshape(n, 1, 2 * height, width)


def displacement_of(answers: np.ndarray) -> np.ndarray:
    """float64 (N, 2, H, W) in pixels, of answers (N, 2 H, W)."""
    n, height, width = answers.shape
    return (answers.astype(np.float64) - 0.5).reshape(n, 2, height // 2, width) * width


def warped(images: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """Images (N, H, W) at the points that a displacement (N, 2, H, W) leads to, linear between pixels: float64.

    Beyond the border lies the pixel next to it.
    """
    from scipy.ndimage import map_coordinates

    grid = np.mgrid[: images.shape[1], : images.shape[2]]
    pairs = zip(images.astype(np.float64), grid + displacement, strict=True)
    return np.stack([map_coordinates(image, at, order=1, mode="nearest") for image, at in pairs])


def warped_labels(maps: np.ndarray, displacement: np.ndarray, classes: int) -> np.ndarray:
    """The label that has most of each pixel after ``warped``: uint8 (N, H, W)."""
    shares = [warped(maps == label, displacement) for label in range(classes)]
    return np.argmax(shares, axis=0).astype(np.uint8)


def folded(displacement: np.ndarray) -> np.ndarray:
    """Share of pixels where the map turns tissue inside out: float64 (N,) in [0, 1].

    There the determinant of id + displacement, by central differences, is not positive.
    """
    down, right = (np.gradient(displacement[:, i], axis=(1, 2)) for i in (0, 1))
    determinant = (1 + down[0]) * (1 + right[1]) - down[1] * right[0]
    return (determinant <= 0).mean((1, 2))


def error(found: np.ndarray, truth: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    """Mean length of the difference of two displacements (N, 2, H, W), in pixels: float64 (N,).

    where: bool (N, H, W), over these pixels alone; none of them gives NaN.
    """
    length = np.linalg.norm(found - truth, axis=1)
    inside = np.ones(length.shape, bool) if where is None else where
    count = inside.sum((1, 2)).astype(np.float64)
    return np.divide((length * inside).sum((1, 2)), count, out=np.full(len(count), np.nan), where=count > 0)
