"""What can be found out from images alone: copies by ratio, by distance and in hc85-v1, and the generalisation gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mribench.audit.copies import rate
from mribench.audit.gap import generalisation_gap
from mribench.audit.losses import equal_by_subject
from mribench.audit.match import Neighbours, neighbours
from mribench.features import Extractor
from mribench.metrics.kernels import squared_distances, standardise
from mribench.spec import Prepared, Split

SPACE = "hc85-v1"
MOST_GENERATED = 2048
MOST_HELD_OUT = 512  # of test, and as many of train against its other subjects
MOST_TRAIN = 1024  # for the gap alone; copies are looked for in all of train


@dataclass(frozen=True)
class HeldOut:
    """Real images in the generated ones' place, each against training images of other subjects alone."""

    subjects: tuple[str, ...]
    near: Neighbours
    features: np.ndarray  # float64 (n,): distance to the nearest in hc85-v1


def held_out(data: Prepared, extract: Extractor) -> HeldOut:
    """The calibration of an audit; it depends on the data alone."""
    train, rows = data.train, {}
    for name, split in (("test", data.test), ("train", train)):
        rows[name] = equal_by_subject(split.subjects, MOST_HELD_OUT, "held out", name)
    test, own = _part(data.test, rows["test"]), _part(train, rows["train"])
    images, subjects = np.concatenate([test.images, own.images]), (*test.subjects, *own.subjects)
    return HeldOut(
        subjects,
        neighbours(images, train.images, train.subjects, own=subjects),
        nearest_features(extract(SPACE, images), extract(SPACE, train.images), train.subjects, subjects),
    )


def examine(images: np.ndarray, data: Prepared, extract: Extractor, real: HeldOut) -> dict[str, Any]:
    """Findings on uint8 images (n, H, W), the first 2,048 of them; see ``copies.rate`` and ``gap``.

    copies: by the neighbour ratio. nearer: by the distance itself, which smooth images pass without being copies.
    features: by the distance in hc85-v1. largest_r: the largest Pearson correlation with a training image; its
    largest among the held-out stands beside it.
    """
    train, images = data.train, images[:MOST_GENERATED]
    near = neighbours(images, train.images, train.subjects)
    generated, of_train = extract(SPACE, images), extract(SPACE, train.images)
    few = equal_by_subject(train.subjects, MOST_TRAIN, "gap", "train")
    test = equal_by_subject(data.test.subjects, MOST_TRAIN, "gap", "test")
    return {
        "copies": rate(near.ratio, real.near.ratio, real.subjects),
        "nearer": rate(near.d1, real.near.d1, real.subjects),
        "features": rate(nearest_features(generated, of_train, train.subjects), real.features, real.subjects),
        "largest_r": float(near.r1.max()),
        "largest_r_held_out": float(real.near.r1.max()),
        "gap": generalisation_gap(
            generated,
            of_train[few],
            _part(train, few).subjects,
            extract(SPACE, data.test.images)[test],
            _part(data.test, test).subjects,
        ),
    }


def nearest_features(
    queries: np.ndarray, train: np.ndarray, subjects: Sequence[str], own: Sequence[str] | None = None
) -> np.ndarray:
    """float64 (n,): Euclidean distance to the nearest row of train, in z-scores of train.

    own: the subject of each query, left out of train for it.
    """
    squared = squared_distances(standardise(queries, train), standardise(train, train))
    if own is not None:
        squared[np.asarray(own)[:, None] == np.asarray(subjects)] = np.inf
    return np.sqrt(squared.min(1))


def _part(split: Split, rows: np.ndarray) -> Split:
    return Split(split.images[rows], tuple(split.subjects[row] for row in rows))
