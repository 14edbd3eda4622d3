"""Images of a model that was trained elsewhere, checked before they are scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from mribench.errors import InputError, Unavailable
from mribench.spec import PretrainedModel

# of the grey range: what float arithmetic may leave outside [0, 1]
TOLERANCE = 1e-3


class SampledModel:
    """A pretrained model; a ``mribench.spec.Model`` that denoises nothing.

    Args:
        model: what draws.
        size: side of the images in pixels.
    """

    def __init__(self, model: PretrainedModel, size: int):
        self.model, self.size = model, size

    def generate(self, indices: Sequence[int], seed: int) -> np.ndarray:
        """float32 (len(indices), H, W) in [0, 1]. Raises InputError for images of another number, size or range."""
        made = grey_images(self.model.generate(indices, seed), self.model.name)  # type: ignore[arg-type]
        if made.shape != (len(indices), self.size, self.size):
            found = f"{len(made)} images of {made.shape[1]}x{made.shape[2]} pixels"
            raise InputError(
                f"{self.model.name} gave {found}, expected {len(indices)} of {self.size}x{self.size}; let it give one "
                "image for each index, of the side that is scored"
            )
        return made.astype(np.float32) / 255

    def denoise(self, x_t: np.ndarray, alpha_bar: float, seed: int) -> NoReturn:
        raise Unavailable(f"{self.model.name} is known by its images alone and denoises none")


def grey_images(images: Any, name: str) -> np.ndarray:
    """uint8 (N, H, W): grey images of one channel, from uint8 or from float in [0, 1].

    Args:
        images: (N, H, W), (N, 1, H, W) or (N, H, W, 1); an array, or a torch tensor on any device.
        name: of what gave them, for messages.

    Raises:
        InputError: another shape, several channels, another dtype, NaN, or values outside [0, 1].
    """
    if hasattr(images, "detach"):
        images = images.detach().cpu().float() if images.is_floating_point() else images.detach().cpu()
    images = np.asarray(images)
    if images.ndim == 4 and 1 in (images.shape[1], images.shape[3]):
        images = images[:, 0] if images.shape[1] == 1 else images[..., 0]
    if images.ndim == 4 and 3 in (images.shape[1], images.shape[3]):
        raise InputError(
            f"{name} gave colour images of shape {images.shape}, expected one grey channel; {TO_GREY}"
        )
    if images.ndim != 3 or 0 in images.shape:
        raise InputError(
            f"{name} gave an array of shape {images.shape}, expected images (N, H, W); reshape it"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise InputError(
            f"{name} gave values of type {images.dtype}, expected uint8 or float in [0, 1]; divide by the largest "
            "value that their type stands for"
        )
    low, high = float(images.min()), float(images.max())
    if not (np.isfinite(low + high) and low >= -TOLERANCE and high <= 1 + TOLERANCE):
        raise InputError(
            f"{name} gave values from {low:.3g} to {high:.3g}, expected [0, 1]; {_to_unit(low, high)}"
        )
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


TO_GREY = "save the channel that the model was trained on"


def _to_unit(low: float, high: float) -> str:
    """What to do with a range."""
    if -1 - TOLERANCE <= low < 0 and high <= 1 + TOLERANCE:
        return "give (x + 1) / 2 where x is in [-1, 1]"
    if low >= 0 and 1 < high <= 255:
        return "give x / 255, or uint8, where x is in [0, 255]"
    return "scale and clip it as the model's own training images were"
