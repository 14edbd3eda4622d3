"""The eight symmetries of the square: quarter turns, each also mirrored left to right."""

from __future__ import annotations

import numpy as np


def symmetries(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Numbers of the symmetries that keep an image's shape (..., H, W): eight of a square, else four.

    Number 2 k is k quarter turns counter-clockwise; number 2 k + 1 is the same, then mirrored left to right.
    """
    return tuple(range(8)) if shape[-1] == shape[-2] else (0, 1, 4, 5)


def posed(images: np.ndarray, symmetry: int) -> np.ndarray:
    """A view of images (..., H, W) under a symmetry."""
    turned = np.rot90(images, symmetry // 2, (-2, -1))
    return turned[..., ::-1] if symmetry % 2 else turned


def unposed(images: np.ndarray, symmetry: int) -> np.ndarray:
    """The way back: ``unposed(posed(images, symmetry), symmetry)`` is ``images``."""
    turned = images[..., ::-1] if symmetry % 2 else images
    return np.rot90(turned, -(symmetry // 2), (-2, -1))
