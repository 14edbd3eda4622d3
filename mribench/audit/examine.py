"""The findings of an audit from images alone: copies by ratio and by distance, nearness in hc85-v1, the gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mribench.audit.copies import rate_below_threshold
from mribench.audit.gap import generalisation_gap
from mribench.audit.losses import equal_by_subject
from mribench.audit.match import Neighbours, neighbours
from mribench.audit.permutation import nearness
from mribench.features import Extractor
from mribench.spec import Prepared, Split

SPACE = "hc85-v1"
MAX_GENERATED = 2048
MAX_HELD_OUT = 512  # of test, and as many of train against its other subjects
MAX_TRAIN = 1024  # for the gap alone; copies are looked for in all of train
MAX_REAL = 4096  # of train and test together, for nearness in features


@dataclass(frozen=True)
class HeldOut:
    """Real images in the generated ones' place, each against training images of other subjects alone."""

    subjects: tuple[str, ...]  # of each image
    near: Neighbours
    # How many independent values the images are worth. Images of a subject are alike, so a subject gives at most one;
    # two training subjects may be each other's nearest and give one value twice, so each gives half of one.
    independent: float


def held_out(data: Prepared) -> HeldOut:
    """The calibration of an audit; it depends on the data alone."""
    train = data.train
    rows = {
        name: equal_by_subject(split.subjects, MAX_HELD_OUT, "held out", name)
        for name, split in (("test", data.test), ("train", train))
    }
    test, own = _select(data.test, rows["test"]), _select(train, rows["train"])
    images, subjects = np.concatenate([test.images, own.images]), (*test.subjects, *own.subjects)
    return HeldOut(
        subjects,
        neighbours(images, train.images, train.subjects, own=subjects),
        test.n_subjects + own.n_subjects / 2,
    )


def examine(images: np.ndarray, data: Prepared, extract: Extractor, real: HeldOut) -> dict[str, Any]:
    """Findings on generated images.

    Args:
        images: uint8 (n, H, W); the first 2,048 of them are looked at.
        data: the prepared set of the generator.
        extract: features by space.
        real: ``held_out(data)``.

    Returns:
        ``copies``, by the neighbour ratio, and ``nearer``, by the distance itself, which smooth images pass without
        being copies: see ``copies.rate_below_threshold``. ``features``: see ``permutation.nearness``. ``gap``: see
        ``gap``. ``largest_r``, the largest Pearson correlation with a training image, and ``largest_r_held_out``.
    """
    train, images = data.train, images[:MAX_GENERATED]
    near = neighbours(images, train.images, train.subjects)
    generated, of_train = extract(SPACE, images), extract(SPACE, train.images)
    of_test = extract(SPACE, data.test.images)
    train_rows = equal_by_subject(train.subjects, MAX_TRAIN, "gap", "train")
    test_rows = equal_by_subject(data.test.subjects, MAX_TRAIN, "gap", "test")
    # drawn from both at once, so that a subject's number of images does not tell its split
    subjects = np.array([*train.subjects, *data.test.subjects])
    pooled = equal_by_subject(subjects.tolist(), MAX_REAL, "nearness")
    return {
        "copies": rate_below_threshold(near.ratio, real.near.ratio, real.subjects, real.independent),
        "nearer": rate_below_threshold(near.d1, real.near.d1, real.subjects, real.independent),
        "features": nearness(
            generated,
            np.concatenate([of_train, of_test])[pooled],
            subjects[pooled],
            pooled < len(of_train),
        ),
        "largest_r": float(near.r1.max()),
        "largest_r_held_out": float(real.near.r1.max()),
        "gap": generalisation_gap(
            generated,
            of_train[train_rows],
            _select(train, train_rows).subjects,
            of_test[test_rows],
            _select(data.test, test_rows).subjects,
        ),
    }


def _select(split: Split, rows: np.ndarray) -> Split:
    return Split(split.images[rows], tuple(split.subjects[row] for row in rows))
