"""Changes of real images that test a feature space: some that no eye can see, some that any eye can.

Lengths are in pixels of an image of 64 pixels a side; they grow with the side.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mribench.features.hc85 import AIR
from mribench.seeds import numpy_rng
from mribench.variants.controls import DISPLACEMENT, moving_average
from mribench.variants.warp import warped

COPIES = 8  # of each image that is left
SPOT = 2.5  # standard deviation of a bright spot
PATCH = 14  # side of a lost patch
UP_LEVEL = 0.01  # p-value from which images have an up
PERMUTATIONS = 999

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


def bright_spot(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One white spot in each image, somewhere in tissue, with a Gaussian rim."""
    height, width = images.shape[1:]
    deviation = SPOT * min(height, width) / 64
    rows, columns = _places(images, rng).T
    distance = (np.arange(height) - rows[:, None])[:, :, None] ** 2
    distance = distance + (np.arange(width) - columns[:, None])[:, None] ** 2
    weight = np.exp(-distance / (2 * deviation**2))
    return np.rint(images + (255 - images.astype(float)) * weight).astype(np.uint8)


def lost_patch(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One square of each image, centred somewhere in tissue, replaced by its mean."""
    side = round(PATCH * min(images.shape[1:]) / 64)
    changed = images.copy()
    corners = (_places(images, rng) - side // 2).clip(0, np.array(images.shape[1:]) - side)
    for image, (row, column) in zip(changed, corners, strict=True):
        patch = image[row : row + side, column : column + side]
        patch[:] = round(patch.mean())
    return changed


def _places(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A pixel of tissue in each image, any pixel where there is no tissue: int (N, 2)."""
    places = []
    for image in images:
        tissue = np.argwhere(image >= AIR * 255)
        places.append(tissue[rng.integers(len(tissue))] if len(tissue) else rng.integers(image.shape))
    return np.array(places)


def elastic_warp(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Along smooth random fields, interpolated without blur."""
    rngs = rng.spawn(len(images))
    return np.rint(255 * warped(images.astype(np.float32) / 255, DISPLACEMENT, rngs)).astype(np.uint8)


def upside_down(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return images[:, ::-1].copy()


def halves_of_two(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The left half of each image beside the right half of another one, both uint8 (N, H, W)."""
    changed = images.copy()
    middle = images.shape[2] // 2
    changed[:, :, middle:] = others[:, :, middle:]
    return changed


def have_an_up(images: np.ndarray, subjects: np.ndarray) -> bool:
    """Whether the images (N, H, W) differ from themselves upside down, by more than chance.

    Where they do not, as with cells on a slide, to turn all of them is no change. The mean difference of an image and
    itself upside down is held against the same with the sign of each subject drawn at random, 999 times.
    """
    flat = images.astype(np.float32)
    flat = (flat - flat[:, ::-1]).reshape(len(images), -1)
    means = np.stack([flat[subjects == name].mean(0) for name in np.unique(subjects)]).astype(np.float64)
    gram = means @ means.T
    signs = numpy_rng("trust", "up").choice([-1.0, 1.0], (PERMUTATIONS, len(means)))
    by_chance = np.einsum("bi,ij,bj->b", signs, gram, signs)
    return float((1 + (by_chance >= gram.sum()).sum()) / (1 + PERMUTATIONS)) <= UP_LEVEL


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
# what is local or of the layout: reported, and not asked of a space that ranks, as few see all of it
UPSIDE_DOWN, HALVES = "upside down", "halves of two patients"
REPORTED: dict[str, Change] = {
    "a bright spot": bright_spot,
    "a lost patch": lost_patch,
    "elastic warp": elastic_warp,
    UPSIDE_DOWN: upside_down,
}
