"""The picture of an audit: what was generated, the training image nearest to it, and what is left between the two."""

from __future__ import annotations

import numpy as np

from mribench.audit.match import Neighbours
from mribench.figures import captioned, grid

WORST = 16
ACROSS = 4


def picture(images: np.ndarray, train: np.ndarray, near: Neighbours, words: str) -> np.ndarray:
    """uint8 (H, W): the 16 generated images of smallest neighbour ratio, each with its nearest and the difference."""
    worst = np.argsort(near.ratio, kind="stable")[:WORST]
    scale = max(1, min(images.shape[1:]) // 64)
    strips = []
    for i in worst:
        twin = train[near.nearest[i]]
        strips += [
            images[i],
            twin,
            _difference(images[i], twin, bool(near.flipped[i]), scale * near.shift[i]),
        ]
    caption = f"generated | nearest in train | difference, smallest neighbour ratio first: {words}"
    return captioned(grid(np.stack(strips), 3 * ACROSS), caption)


def _difference(image: np.ndarray, twin: np.ndarray, flipped: bool, shift: np.ndarray) -> np.ndarray:
    """uint8 (H, W): |image - twin|, the twin laid over it as it was matched, with the best gain and bias."""
    # matched was the flipped query against the training image as it is, so the way back flips last
    laid = np.roll(twin, tuple(-shift), axis=(0, 1))
    laid = (laid[:, ::-1] if flipped else laid).astype(np.float64)
    centred = laid - laid.mean()
    gain = (centred * image).mean() / max(np.square(centred).mean(), 1e-9)
    return np.clip(np.abs(image - image.mean() - gain * centred), 0, 255).astype(np.uint8)
