"""An organ's phantom as one picture: what ``mribench plugin draw`` writes."""

from __future__ import annotations

import numpy as np

from mribench import figures
from mribench.errors import InputError
from mribench.spec import Modality

N_SUBJECTS, N_SLICES = 6, 5
SHOWN_PIXELS = 128  # images are enlarged to about this side


def contact_sheet(organ: Modality, size: int = 64, seed: int = 0) -> np.ndarray:
    """Subjects in rows, slices in columns, grey values as drawn.

    Args:
        organ: whose phantom is drawn.
        size: pixels a side of one image.
        seed: another seed draws other subjects.

    Returns:
        uint8 (height, width).

    Raises:
        InputError: the size is no side of an image, or the phantom does not draw images of that size in [0, 1].
    """
    if not 8 <= size <= 512:
        raise InputError(f"--size is {size}; expected 8 to 512 pixels a side")
    images = np.stack(
        [
            _image(organ, seed, subject, slice, size)
            for subject in range(N_SUBJECTS)
            for slice in range(N_SLICES)
        ]
    )
    caption = f"{organ.title}, {organ.contrast}, {size} px: a subject per row, its slices beside each other"
    return figures.captioned(figures.grid(images, N_SLICES), caption, max(1, SHOWN_PIXELS // size))


def _image(organ: Modality, seed: int, subject: int, slice: int, size: int) -> np.ndarray:
    image = organ.phantom(seed, subject, slice, size=size).image
    if image.shape != (size, size) or not (image.min() >= 0 and image.max() <= 1):
        raise InputError(
            f"the phantom of {organ.name} draws shape {image.shape} with values {image.min():.3g} to "
            f"{image.max():.3g}; expected ({size}, {size}) in [0, 1], see mribench plugin check {organ.name}"
        )
    return (image * 255).round().astype(np.uint8)
