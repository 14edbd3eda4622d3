"""Smooth elastic deformation of images, as a cheat that a pixelwise search for copies may miss."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from mribench.phantom.fields import wobble

WIDTH = 16 / 64  # of the structures of a displacement field, as a share of the image's side


def warped(images: np.ndarray, displacement: float, rngs: Iterable[np.random.Generator]) -> np.ndarray:
    """Each image moved along a smooth random field of its own, interpolated by cubic splines, which do not blur.

    Args:
        images: float (N, H, W) in [0, 1].
        displacement: root mean square length of the field, in pixels of an image of 64 pixels a side; larger images
            are moved by as much more.
        rngs: N generators; image i depends on its own alone.

    Returns:
        float32 (N, H, W) in [0, 1].
    """
    # scipy.ndimage takes a tenth of a second to import
    from scipy.ndimage import map_coordinates

    height, width = images.shape[1:]
    side = min(height, width)
    y, x = np.arange(height)[:, None], np.arange(width)[None]
    amplitude = displacement * side / 64 / np.sqrt(2)  # of each of the two components
    out = np.empty(images.shape, np.float32)
    for i, (image, rng) in enumerate(zip(images, rngs, strict=True)):
        down, right = wobble(rng, x, y, amplitude, WIDTH * side)
        map_coordinates(image, [y + down, x + right], out[i], order=3, mode="nearest")
    return out.clip(0, 1, out=out)
