"""The nearest training images of a query, also where a copy is turned, shifted, warped, cut or of another contrast.

Three distances are asked for, each of d = sqrt(2 - 2 r), the Euclidean one of z-scored pixels scaled to unit norm: 0
for a copy, sqrt(2) for unrelated images. r is a Pearson correlation, so gain and bias do not matter. All three are the
smallest over the symmetries of the square.

- whole: r of the image over shifts of up to 3 pixels.
- patches: the mean of d over 16 patches, each shifted by itself, r without its sign: sees warps, small rotations and
  enlargements, and an inverted contrast.
- half: the same over the patches of one half, the half with the smallest ratio: sees what was put together from two.

``coarse`` chooses which training images are compared, ``closer`` compares them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from mribench.audit.closer import HALVES, compare
from mribench.audit.coarse import SIMILARITIES, candidates, pooled
from mribench.memo import memoize

SIDE = 64  # larger images are averaged down to less than twice this
BLOCK = 256  # queries at once
FEWEST_PATCHES = 3  # with contrast, that a half needs


@dataclass(frozen=True)
class Neighbours:
    """The nearest training image of each of n queries, by the whole image, and how much nearer than others it is."""

    nearest: np.ndarray  # int (n,), its row
    r1: np.ndarray  # its correlation with the query
    r2: np.ndarray  # correlation of the nearest image of another subject
    symmetry: np.ndarray  # int (n,), of the query, see ``poses``
    shift: np.ndarray  # int (n, 2), how far (rows, columns) the training image's window lies from the query's
    patches: np.ndarray  # float (n,) in [0, 1], ratio of the two smallest distances by patches
    half: np.ndarray  # float (n,) in [0, 1], the same of one half

    @property
    def d1(self) -> np.ndarray:
        """float64 (n,) in [0, 2]: distance to the nearest training image."""
        return distance(self.r1)

    @property
    def d2(self) -> np.ndarray:
        """float64 (n,) in [0, 2]: distance to the nearest training image of another subject than the nearest."""
        return distance(self.r2)

    @property
    def ratio(self) -> np.ndarray:
        """float64 (n,) in [0, 1]: d1 / d2, small where one subject alone is near (Carlini et al., arXiv:2301.13188)."""
        return _quotient(self.d1, self.d2)

    @property
    def ratios(self) -> Mapping[str, np.ndarray]:
        """The three neighbour ratios."""
        return {"whole": self.ratio, "patches": self.patches, "half": self.half}


def distance(r: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(2 - 2 * np.asarray(r, np.float64), 0))


def _quotient(d1: np.ndarray, d2: np.ndarray) -> np.ndarray:
    return np.divide(d1, d2, out=np.ones(len(d2)), where=(d2 > 0) & np.isfinite(d2))


def working_size(images: np.ndarray) -> np.ndarray:
    """float32 (N, h, w) of uint8 (N, H, W), averaged over whole pixels to sides below 128."""
    return pooled(images, max(1, min(images.shape[1:]) // SIDE))


# the search for copies and their picture ask for the same neighbours
@memoize(maxsize=4)
def neighbours(
    queries: np.ndarray,
    train: np.ndarray,
    subjects: Sequence[str],
    own: Sequence[str] | None = None,
) -> Neighbours:
    """Nearest training images of each query; r2 is -1 where fewer than two subjects are left to compare with.

    Args:
        queries: uint8 (n, H, W).
        train: uint8 (m, H, W).
        subjects: subject of each training image.
        own: subject of each query, whose own training images are left out.
    """
    names, of_train = np.unique(np.asarray(subjects), return_inverse=True)
    of_query = np.full(len(queries), -1)
    if own is not None:
        number = {name: i for i, name in enumerate(names)}
        of_query = np.array([number.get(subject, -1) for subject in own])
    full, full_train = working_size(queries), working_size(train)
    blocks = [
        _block(full[i : i + BLOCK], full_train, of_train, of_query[i : i + BLOCK])
        for i in range(0, len(full), BLOCK)
    ]
    return Neighbours(*(np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(Neighbours)))


def _block(queries: np.ndarray, train: np.ndarray, of_train: np.ndarray, of_query: np.ndarray) -> Neighbours:
    # row -1: fewer candidates than places
    rows, turned = candidates(queries, train, of_train, of_query)
    r, shift, patches, informative = compare(queries, train, rows, turned, rows.shape[1] // SIMILARITIES)
    subjects = np.where(rows < 0, -1, of_train[rows])
    at = np.arange(len(queries)), r.argmax(1)
    other = subjects != subjects[at][:, None]
    counts = informative[turned, np.arange(len(queries))[:, None]]
    # rounding leaves correlations just above 1
    apart = np.where(rows[..., None] < 0, np.inf, np.sqrt(np.maximum(2 - 2 * patches, 0)))
    return Neighbours(
        rows[at],
        r[at],
        np.where(other, r, -1).max(1),
        turned[at],
        shift[at],
        _ratio(_mean(apart, counts, 1), subjects),
        np.min(
            [_ratio(_mean(apart[..., half], counts[..., half], FEWEST_PATCHES), subjects) for half in HALVES],
            axis=0,
        ),
    )


def _mean(values: np.ndarray, counts: np.ndarray, fewest: int) -> np.ndarray:
    """Mean over the last axis of those that count; infinite where fewer than ``fewest`` do."""
    n = counts.sum(-1)
    return np.where(n >= fewest, np.where(counts, values, 0).sum(-1) / np.maximum(n, 1), np.inf)


def _ratio(distances: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """float64 (n,): smallest of distances (n, k) over the smallest of another subject; 1 where there is no other."""
    at = np.arange(len(distances)), distances.argmin(1)
    d1 = distances[at]
    d2 = np.where(subjects == subjects[at][:, None], np.inf, distances).min(1)
    return _quotient(np.where(np.isfinite(d1), d1, 0), np.where(np.isfinite(d1), d2, np.inf))
