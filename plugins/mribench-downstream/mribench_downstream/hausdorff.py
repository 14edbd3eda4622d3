"""95 % Hausdorff distance of label maps by subject."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mribench.spec import NOT_ANNOTATED


def hd95(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """95th percentile of the distances between the borders of each pair of masks, in pixels, float64 (N,).

    The larger of both directions (Huttenlocher et al. 1993, doi:10.1109/34.232073), by MONAI. 0 where both masks are
    empty, the diagonal of the image where one of them is.

    Args:
        x: (N, H, W) in [0, 1]; a pixel from 0.5 on belongs to the mask.
        y: The same.
    """
    import torch
    from monai.metrics import compute_hausdorff_distance

    masks = [np.asarray(part) >= 0.5 for part in (x, y)]
    some = [part.any((1, 2)) for part in masks]
    numbers = np.where(some[0] == some[1], 0.0, np.hypot(*masks[0].shape[1:]))
    if (both := some[0] & some[1]).any():
        pair = [torch.from_numpy(part[both][:, None].astype(np.float32)) for part in masks]
        numbers[both] = compute_hausdorff_distance(*pair, include_background=True, percentile=95)[
            :, 0
        ].numpy()
    return numbers


def by_subject(found: np.ndarray, truth: np.ndarray, subjects: Sequence[str], classes: int) -> np.ndarray:
    """Of every structure the mean over a subject's slices that show it: float64 (subjects, classes - 1), in pixels.

    Subjects are sorted by id. NaN where the truth of the subject lacks the structure. Pixels that are not annotated are
    background in both maps.

    Args:
        found: Label maps, uint8 (n, H, W).
        truth: The same, drawn by somebody.
        subjects: n ids.
        classes: Values of the label maps; 0 is the background.
    """
    names, which = np.unique(np.asarray(subjects), return_inverse=True)
    ours, real = (np.where(truth == NOT_ANNOTATED, 0, part) for part in (found, truth))
    numbers = np.full((len(names), classes - 1), np.nan)
    for structure in range(1, classes):
        rows = np.flatnonzero((real == structure).any((1, 2)))
        if len(rows):
            each = hd95(ours[rows] == structure, real[rows] == structure)
            for i in np.unique(which[rows]):
                numbers[i, structure - 1] = each[which[rows] == i].mean()
    return numbers
