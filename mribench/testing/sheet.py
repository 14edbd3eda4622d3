"""An organ's phantom as one picture: what ``mribench plugin draw`` writes."""

from __future__ import annotations

import numpy as np

from mribench import figures
from mribench.errors import InputError
from mribench.spec import Modality

SUBJECTS, SLICES = 6, 5
# enlarged until an image has about this many pixels a side
SHOWN = 128


def sheet(organ: Modality, size: int = 64, seed: int = 0) -> np.ndarray:
    """Subjects in rows, slices in columns: uint8 (height, width), grey values as drawn.

    size: pixels a side of an image. Raises InputError where that is no side of an image, or where the phantom does
    not draw images of that size in [0, 1].
    """
    if not 8 <= size <= 512:
        raise InputError(f"--size is {size}; expected 8 to 512 pixels a side")
    images = np.stack(
        [_image(organ, seed, subject, slice, size) for subject in range(SUBJECTS) for slice in range(SLICES)]
    )
    caption = f"{organ.title}, {organ.contrast}, {size} px: a subject per row, its slices beside each other"
    return figures.captioned(figures.grid(images, SLICES), caption, max(1, SHOWN // size))


def _image(organ: Modality, seed: int, subject: int, slice: int, size: int) -> np.ndarray:
    image = organ.phantom(seed, subject, slice, size=size).image
    if image.shape != (size, size) or not (image.min() >= 0 and image.max() <= 1):
        raise InputError(
            f"the phantom of {organ.name} draws shape {image.shape} with values {image.min():.3g} to "
            f"{image.max():.3g}; expected ({size}, {size}) in [0, 1], see mribench plugin check {organ.name}"
        )
    return (image * 255).round().astype(np.uint8)
