"""Changes of real images that test a feature space: some that no eye can see, some that any eye can."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mribench.features.hc85 import AIR
from mribench.variants.controls import moving_average

COPIES = 8  # of each image that is left

# uint8 (N, H, W) -> the same, each image by itself
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]
# a half, bool (N,), and the position of all images along the first principal component, (N,) -> count of each image
Choice = Callable[[np.ndarray, np.ndarray], np.ndarray]


def background_offset(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two grey levels more wherever there is air, up to the level where air ends."""
    air = images < AIR * 255
    return np.where(air, images + 2, images).astype(np.uint8)


def shift(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By one pixel, each image in a direction of its own; the line that is left free repeats its neighbour."""
    height, width = images.shape[1:]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    corners = np.array([(0, 1), (2, 1), (1, 0), (1, 2)])[rng.integers(0, 4, len(images))]
    cut = [image[i : i + height, j : j + width] for image, (i, j) in zip(padded, corners, strict=True)]
    return np.stack(cut)


def rounding(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The error of being rounded to 8 bits once more: less than one grey level, then rounded."""
    moved = images + rng.uniform(-1, 1, images.shape)
    return np.rint(moved.clip(0, 255)).astype(np.uint8)


def blur(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mean of 3x3."""
    return np.rint(moving_average(images)).astype(np.uint8)


def noise(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """White noise of standard deviation 0.03 of the grey range."""
    noisy = images + 0.03 * 255 * rng.standard_normal(images.shape)
    return np.rint(noisy.clip(0, 255)).astype(np.uint8)


def lost_modes(half: np.ndarray, position: np.ndarray) -> np.ndarray:
    """The half of a half that lies lowest along the first principal component of the pixels."""
    rows = _in_order(half, position)
    return _counts(rows[: max(2, len(rows) // 2)], len(half), 1)


def copies(half: np.ndarray, position: np.ndarray) -> np.ndarray:
    """One image in eight, eight times each, evenly along the first principal component: no mode is lost."""
    return _counts(_in_order(half, position)[COPIES // 2 :: COPIES], len(half), COPIES)


def _in_order(half: np.ndarray, position: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(half)
    return rows[np.argsort(position[rows])]


def _counts(rows: np.ndarray, n: int, times: int) -> np.ndarray:
    return np.where(np.isin(np.arange(n), rows), times, 0)


INVISIBLE: dict[str, Change] = {
    "background + 2 grey levels": background_offset,
    "1-pixel shift": shift,
    "8-bit rounding": rounding,
}
VISIBLE: dict[str, Change] = {"blur 3x3": blur, "noise 0.03": noise}
CHOSEN: dict[str, Choice] = {"half the modes lost": lost_modes, "1/8 of the images, 8 times": copies}
