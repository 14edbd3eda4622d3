"""What can be found out from images alone: copies by ratio and by distance, nearness in hc85-v1, the gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mribench.audit.copies import rate
from mribench.audit.gap import generalisation_gap
from mribench.audit.losses import equal_by_subject
from mribench.audit.match import Neighbours, neighbours
from mribench.audit.nearness import nearness
from mribench.features import Extractor
from mribench.spec import Prepared, Split

SPACE = "hc85-v1"
MOST_GENERATED = 2048
MOST_HELD_OUT = 512  # of test, and as many of train against its other subjects
MOST_TRAIN = 1024  # for the gap alone; copies are looked for in all of train
MOST_REAL = 4096  # of train and test together, for nearness in features


@dataclass(frozen=True)
class HeldOut:
    """Real images in the generated ones' place, each against training images of other subjects alone.

    independent: how many independent values they are worth. Images of a subject are alike, so a subject gives one at
    most; two training subjects may each be the other's nearest and say one thing twice, so they give half of one.
    """

    subjects: tuple[str, ...]
    near: Neighbours
    independent: float


def held_out(data: Prepared) -> HeldOut:
    """The calibration of an audit; it depends on the data alone."""
    train, rows = data.train, {}
    for name, split in (("test", data.test), ("train", train)):
        rows[name] = equal_by_subject(split.subjects, MOST_HELD_OUT, "held out", name)
    test, own = _part(data.test, rows["test"]), _part(train, rows["train"])
    images, subjects = np.concatenate([test.images, own.images]), (*test.subjects, *own.subjects)
    return HeldOut(
        subjects,
        neighbours(images, train.images, train.subjects, own=subjects),
        test.n_subjects + own.n_subjects / 2,
    )


def examine(images: np.ndarray, data: Prepared, extract: Extractor, real: HeldOut) -> dict[str, Any]:
    """Findings on uint8 images (n, H, W), the first 2,048 of them; see ``copies.rate``, ``nearness`` and ``gap``.

    copies: by the neighbour ratio. nearer: by the distance itself, which smooth images pass without being copies.
    features: whose images are the nearest in hc85-v1. largest_r: the largest Pearson correlation with a training
    image; its largest among the held-out stands beside it.
    """
    train, images = data.train, images[:MOST_GENERATED]
    near = neighbours(images, train.images, train.subjects)
    generated, of_train = extract(SPACE, images), extract(SPACE, train.images)
    of_test = extract(SPACE, data.test.images)
    few = equal_by_subject(train.subjects, MOST_TRAIN, "gap", "train")
    test = equal_by_subject(data.test.subjects, MOST_TRAIN, "gap", "test")
    # drawn from both at once, so that a subject's number of images does not tell its split
    names = np.array([*train.subjects, *data.test.subjects])
    pooled = equal_by_subject(names.tolist(), MOST_REAL, "nearness")
    return {
        "copies": rate(near.ratio, real.near.ratio, real.subjects, real.independent),
        "nearer": rate(near.d1, real.near.d1, real.subjects, real.independent),
        "features": nearness(
            generated, np.concatenate([of_train, of_test])[pooled], names[pooled], pooled < len(of_train)
        ),
        "largest_r": float(near.r1.max()),
        "largest_r_held_out": float(real.near.r1.max()),
        "gap": generalisation_gap(
            generated,
            of_train[few],
            _part(train, few).subjects,
            of_test[test],
            _part(data.test, test).subjects,
        ),
    }


def _part(split: Split, rows: np.ndarray) -> Split:
    return Split(split.images[rows], tuple(split.subjects[row] for row in rows))
