"""Images with label maps, and how many subjects of a set have them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mribench.seeds import numpy_rng
from mribench.spec import NOT_ANNOTATED, Prepared, Split

FIELD = "labels"
FEWEST_TO_TRAIN = 4  # labelled training subjects


class Labelled(NamedTuple):
    """Images and their label maps."""

    x: np.ndarray  # float32 (n, C, H, W); grey values in [0, 1]
    y: np.ndarray  # uint8 (n, H, W), a structure of each pixel, or ``NOT_ANNOTATED``


def grey(images: np.ndarray) -> np.ndarray:
    """float32 (n, 1, H, W) in [0, 1] from uint8 (n, H, W)."""
    return images[:, None].astype(np.float32) / 255


def classes(data: Prepared) -> int:
    """How many values label maps have, the background among them."""
    return len(data.fields[FIELD].names)


def annotated(split: Split) -> np.ndarray:
    """Rows of the images in which somebody has drawn: int (n,)."""
    return np.flatnonzero((split.fields[FIELD] != NOT_ANNOTATED).any((1, 2)))


def with_structure(split: Split) -> np.ndarray:
    """Annotated rows of the subjects that have any structure: int (n,). Of others there is no Dice."""
    maps, rows = split.fields[FIELD], annotated(split)
    has_some = {split.subjects[row] for row in rows if ((maps[row] > 0) & (maps[row] != NOT_ANNOTATED)).any()}
    return np.array([row for row in rows if split.subjects[row] in has_some], dtype=int)


def labelled_subjects(split: Split) -> list[str]:
    """Ids of the subjects with an annotated image, sorted."""
    return sorted({split.subjects[row] for row in annotated(split)})


def rows_of_some(split: Split, count: int, training: int) -> np.ndarray:
    """Rows of all annotated images of ``count`` subjects, which the number of the training draws: int (n,).

    Of one training the subjects of a smaller count are among those of a larger one.
    """
    subjects = labelled_subjects(split)
    drawn = {subjects[i] for i in numpy_rng("labelled subjects", training).permutation(len(subjects))[:count]}
    return np.array([row for row in annotated(split) if split.subjects[row] in drawn], dtype=int)


def some_subjects(split: Split, count: int, training: int) -> Labelled:
    """The images of ``rows_of_some``."""
    rows = rows_of_some(split, count, training)
    return Labelled(grey(split.images[rows]), split.fields[FIELD][rows])


def why_not(data: Prepared) -> str | None:
    """Why nothing can be learned from the label maps, or tested; None where it can."""
    if classes(data) < 2:
        return "the label maps know no structure"
    if (found := len(labelled_subjects(data.train))) < FEWEST_TO_TRAIN:
        return f"{found} training subjects have a label map, at least {FEWEST_TO_TRAIN} are needed"
    if not len(with_structure(data.test)):
        return "no test subject has a structure in its label map"
    return None
