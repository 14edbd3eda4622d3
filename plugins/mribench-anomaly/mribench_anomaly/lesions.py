"""Which images are asked where the lesion is: of each subject one with it, and the same without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mribench.spec import Split
from mribench_anomaly.pixels import body

LEAST_LESION = 4  # pixels; a slice with fewer is not asked


@dataclass(frozen=True)
class Asked:
    """Images of a split: one of each subject that has a lesion."""

    rows: np.ndarray  # int64 (n,), places in the split
    images: np.ndarray  # uint8 (n, H, W), with the lesion
    twins: np.ndarray  # uint8 (n, H, W), the same without it
    lesions: np.ndarray  # bool (n, H, W)
    inside: np.ndarray  # bool (n, H, W), the body and the lesion


def asked(split: Split, rows: np.ndarray | None = None) -> Asked:
    """``rows``: which images; None: of each subject the one with the largest lesion."""
    lesions = split.fields["lesion"] == 1  # 255 is a pixel that nobody has annotated
    rows = largest_lesions(lesions.sum((1, 2)), split.subjects) if rows is None else rows
    images, twins = (split.fields[name][rows] for name in ("abnormal", "healthy"))
    inside = body(images, twins) | lesions[rows] if len(rows) else lesions[rows]
    return Asked(rows, images, twins, lesions[rows], inside)


def largest_lesions(areas: np.ndarray, subjects: Sequence[str]) -> np.ndarray:
    """Of each subject the image with the largest lesion, if that has four pixels: int64 (n,), in ascending order.

    Args:
        areas: Pixels of the lesion in each image, (N,).
        subjects: Of each image.
    """
    best: dict[str, int] = {}
    for row, subject in enumerate(subjects):
        if areas[row] >= LEAST_LESION and (subject not in best or areas[row] > areas[best[subject]]):
            best[subject] = row
    return np.array(sorted(best.values()), dtype=np.int64)


def strata(test: Asked) -> dict[str, np.ndarray]:
    """Halves of the subjects, bool (n,): by pixels of the lesion, and by its mean difference from the healthy twin.

    Where all are alike, a half may be empty: then it holds all.
    """
    area = test.lesions.sum((1, 2))
    difference = np.abs(test.images.astype(float) - test.twins) * test.lesions
    contrast = difference.sum((1, 2)) / area
    halves = {
        "small": area <= np.median(area),
        "large": area > np.median(area),
        "faint": contrast <= np.median(contrast),
        "strong": contrast > np.median(contrast),
    }
    return {name: half if half.any() else np.ones_like(half) for name, half in halves.items()}
