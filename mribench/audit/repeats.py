"""Generated images that repeat one another count once: a generator of few modes is no copier because of that."""

from __future__ import annotations

import numpy as np

from mribench.audit.coarse import normalise, small
from mribench.audit.losses import equal_by_subject
from mribench.audit.match import distance
from mribench.spec import Split

RARE = 0.01  # share of real images that are as near to one of another subject as repeats are to each other
MAX_REAL = 512


def distinct(images: np.ndarray, train: Split) -> np.ndarray:
    """Rows of the images that repeat no earlier one.

    Two images repeat each other where they are nearer than 99 % of the training images are to any image of another
    subject: copies of different subjects do not. Distances are those of z-scored images at 16 pixels a side, which blur
    and noise hardly change.

    Args:
        images: uint8 (n, H, W).
        train: the training images.

    Returns:
        int (k,), ascending; the first image is always one of them.
    """
    rows = equal_by_subject(train.subjects, MAX_REAL, "repeats")
    ours, theirs = (normalise(small(part).reshape(len(part), -1)) for part in (images, train.images))
    _, of_train = np.unique(np.asarray(train.subjects), return_inverse=True)
    r = theirs[rows] @ theirs.T
    r[of_train[rows][:, None] == of_train] = -1
    near = distance(ours @ ours.T) < np.quantile(distance(r.max(1)), RARE)
    first: list[int] = []
    for row, repeats in enumerate(near):
        if not repeats[first].any():
            first.append(row)
    return np.array(first)
