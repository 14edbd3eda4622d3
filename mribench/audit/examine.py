"""The findings of an audit from images alone: copies of training and of unseen images, nearness in hc85-v1, the gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from mribench.audit.copies import COUNT_SHARE, rate_below_threshold, smallest
from mribench.audit.depth import depth
from mribench.audit.gap import generalisation_gap
from mribench.audit.losses import equal_by_subject
from mribench.audit.match import Neighbours, neighbours
from mribench.audit.permutation import nearness
from mribench.audit.repeats import distinct
from mribench.features import Extractor
from mribench.spec import Prepared, Split

SPACE = "hc85-v1"
MAX_GENERATED = 2048
MAX_HELD_OUT = (
    512  # real images of other subjects against a split, and as many of the split against its others
)
BLUR = 1 / 32  # of a side: standard deviation of the filter for blurred held-out images
SMOOTH = 2 / 3  # generated images of less than this share of the real ones' sharpness are smooth
MAX_TRAIN = 1024  # for the gap alone; copies are looked for in all of train
MAX_REAL = 4096  # of train and test together, for nearness in features


@dataclass(frozen=True)
class Reference:
    """Images that may have been copied, and how near real images of other subjects come to them."""

    split: Split  # what may have been copied
    subjects: tuple[str, ...]  # of each held-out image
    near: Neighbours  # of the held-out images, among those of other subjects
    blurred: Neighbours  # the same after a blur, as unfinished networks' images are
    sharpness: float  # of the held-out images, see ``sharpness``
    # How many independent values the held-out images are worth. Images of a subject are alike, so a subject gives at
    # most one; two subjects of the split may be each other's nearest and give one value twice, so each gives half.
    independent: float


@dataclass(frozen=True)
class HeldOut:
    """The calibration of an audit."""

    train: Reference
    unseen: Reference  # test and validation


def held_out(data: Prepared) -> HeldOut:
    """The calibration of an audit; it depends on the data alone."""
    unseen = _joined(data.test, data.validation)
    return HeldOut(_reference(data.train, unseen, "train"), _reference(unseen, data.train, "unseen"))


def _reference(split: Split, others: Split, name: str) -> Reference:
    drawn = [
        _select(part, equal_by_subject(part.subjects, MAX_HELD_OUT, "held out", name, side))
        for part, side in ((others, "others"), (split, "own"))
    ]
    queries = _joined(*drawn)
    near, blurred = (
        neighbours(images, split.images, split.subjects, own=queries.subjects)
        for images in (queries.images, _blurred(queries.images))
    )
    independent = drawn[0].n_subjects + drawn[1].n_subjects / 2
    return Reference(split, queries.subjects, near, blurred, sharpness(queries.images), independent)


def sharpness(images: np.ndarray) -> float:
    """Median over images (N, H, W) of the share of their standard deviation that a blur takes away."""
    images, width = images.astype(np.float32), min(images.shape[1:]) * BLUR / 2
    fine = images - gaussian_filter(images, (0, width, width))
    deviations = np.maximum(images.std((1, 2)), 1e-3)
    return float(np.median(fine.std((1, 2)) / deviations))


def _blurred(images: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W): after a Gaussian filter of 1/32 of a side."""
    width = min(images.shape[1:]) * BLUR
    return np.rint(gaussian_filter(images.astype(np.float32), (0, width, width))).astype(np.uint8)


def examine(images: np.ndarray, data: Prepared, extract: Extractor, real: HeldOut) -> dict[str, Any]:
    """Findings on generated images.

    Args:
        images: uint8 (n, H, W); the first 2,048 of them are looked at.
        data: the prepared set of the generator.
        extract: features by space.
        real: ``held_out(data)``.

    Returns:
        ``copies`` of training images and ``test_copies``, of test and validation images, by the neighbour ratios, and
        ``nearer``, by the distance itself, which smooth images pass without being copies: see
        ``copies.rate_below_threshold``. The first two have ``depth`` too, see ``depth.depth``; their ``p`` is that of
        either, ``p_count`` that of the count. ``features``: see ``permutation.nearness``. ``gap``: see ``gap``.
        ``largest_r``, the largest Pearson correlation with a training image, and ``largest_r_held_out``.
    """
    train, images = data.train, images[:MAX_GENERATED]
    near = {
        name: neighbours(images, reference.split.images, reference.split.subjects)
        for name, reference in (("train", real.train), ("unseen", real.unseen))
    }
    once, fine = distinct(images, train), sharpness(images)
    generated, of_train = extract(SPACE, images), extract(SPACE, train.images)
    of_test = extract(SPACE, data.test.images)
    train_rows = equal_by_subject(train.subjects, MAX_TRAIN, "gap", "train")
    test_rows = equal_by_subject(data.test.subjects, MAX_TRAIN, "gap", "test")
    # drawn from both at once, so that a subject's number of images does not tell its split
    subjects = np.array([*train.subjects, *data.test.subjects])
    pooled = equal_by_subject(subjects.tolist(), MAX_REAL, "nearness")
    return {
        "copies": _copies(near["train"], real.train, once, fine),
        "test_copies": _copies(near["unseen"], real.unseen, once, fine),
        "nearer": rate_below_threshold(
            near["train"].d1, real.train.near.d1, real.train.subjects, real.train.independent, once
        ),
        "features": nearness(
            generated,
            np.concatenate([of_train, of_test])[pooled],
            subjects[pooled],
            pooled < len(of_train),
        ),
        "largest_r": float(near["train"].r1.max()),
        "largest_r_held_out": float(real.train.near.r1.max()),
        "gap": generalisation_gap(
            generated,
            of_train[train_rows],
            _select(train, train_rows).subjects,
            of_test[test_rows],
            _select(data.test, test_rows).subjects,
        ),
    }


def _copies(near: Neighbours, real: Reference, once: np.ndarray, fine: float) -> dict[str, Any]:
    """Copies among generated images, by how many neighbour ratios are small and by how small the smallest is.

    The ratios of smooth images spread more widely, so that where the generated ones are smooth what is found must be
    rare among blurred real images as well.
    """
    smooth = fine < SMOOTH * real.sharpness
    found = [
        _copies_against(near, held, real, once)
        for held in ((real.near, real.blurred) if smooth else (real.near,))
    ]
    return max(found, key=lambda copies: copies["p"])


def _copies_against(near: Neighbours, held: Neighbours, real: Reference, once: np.ndarray) -> dict[str, Any]:
    scaled = (smallest(ratios, held.ratios) for ratios in (near.ratios, held.ratios))
    count = rate_below_threshold(*scaled, real.subjects, real.independent, once)
    deepest = depth(near.ratios, held.ratios, real.subjects, real.independent)
    p = min(1.0, count["p"] / COUNT_SHARE, deepest["p"] / (1 - COUNT_SHARE))
    return count | {"p": p, "p_count": count["p"], "depth": deepest}


def _joined(first: Split, second: Split) -> Split:
    return Split(np.concatenate([first.images, second.images]), (*first.subjects, *second.subjects))


def _select(split: Split, rows: np.ndarray) -> Split:
    return Split(split.images[rows], tuple(split.subjects[row] for row in rows))
