"""The nearest training images of a query, also where a copy is flipped, shifted, brighter or of more contrast.

Similarity of two images is the largest Pearson correlation r over identity and left-right flip and shifts of up to 3
pixels; r takes care of gain and bias. The distance d = sqrt(2 - 2 r) is the Euclidean one of z-scored images, scaled to
unit norm: 0 for a copy, sqrt(2) for unrelated images.

Coarse first: at half the resolution every pair is compared at shifts of 0 and 2 pixels, by blocked matrix products; the
most promising training images are then compared at full resolution around the best shift of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from mribench.memo import memoize

SIDE = 64  # larger images are averaged down to less than twice this
MARGIN = 4  # full-resolution pixels left out around a query, at least the largest shift
BLOCK = 256  # queries at once
NEAREST_IMAGES = 6  # of the coarse search that are compared at full resolution
NEAREST_SUBJECTS = 4  # whose nearest image is compared at full resolution as well
SHIFTS = tuple((row, column) for row in (-1, 0, 1) for column in (-1, 0, 1))


@dataclass(frozen=True)
class Neighbours:
    """The nearest training image of each of n queries."""

    nearest: np.ndarray  # int (n,), its row
    r1: np.ndarray  # its correlation with the query
    r2: np.ndarray  # correlation of the nearest image of another subject
    flipped: np.ndarray  # bool (n,)
    shift: np.ndarray  # int (n, 2), how far (rows, columns) the training image's window lies from the query's

    @property
    def d1(self) -> np.ndarray:
        """float64 (n,) in [0, 2]: distance to the nearest training image."""
        return distance(self.r1)

    @property
    def ratio(self) -> np.ndarray:
        """float64 (n,) in [0, 1]: d1 / d2, small where one subject alone is near (Carlini et al., arXiv:2301.13188)."""
        d2 = distance(self.r2)
        return np.divide(self.d1, d2, out=np.ones(len(d2)), where=d2 > 0)


def distance(r: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(2 - 2 * np.asarray(r, np.float64), 0))


def working_size(images: np.ndarray) -> np.ndarray:
    """float32 (N, h, w) of uint8 (N, H, W), averaged over whole pixels to sides below 128, even."""
    factor = max(1, min(images.shape[1:]) // SIDE)
    return _pooled(images, factor)


def _pooled(images: np.ndarray, factor: int) -> np.ndarray:
    n, height, width = images.shape
    rows, columns = height // factor, width // factor
    cut = images[:, : rows * factor, : columns * factor].astype(np.float32)
    return cut.reshape(n, rows, factor, columns, factor).mean((2, 4))


def _crop(images: np.ndarray, margin: int, shift: tuple[int, int]) -> np.ndarray:
    """float32 (N, pixels): what lies ``margin`` away from every side, moved by ``shift``; zero mean, unit norm."""
    height, width = images.shape[1:]
    top, left = margin + shift[0], margin + shift[1]
    cropped = images[:, top : top + height - 2 * margin, left : left + width - 2 * margin]
    return normalise(cropped.reshape(len(images), -1))


def normalise(rows: np.ndarray) -> np.ndarray:
    """Rows of zero mean and unit norm; a constant row becomes 0, which correlates with nothing."""
    centred = rows - rows.mean(-1, keepdims=True)
    norm = np.linalg.norm(centred, axis=-1, keepdims=True)
    return np.divide(centred, norm, out=np.zeros_like(centred), where=norm > 1e-3)


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
    # every coarse shift of the training images: 9 times a quarter of their pixels
    half_train = _pooled(full_train, 2)
    shifted = [_crop(half_train, MARGIN // 2, shift).T.copy() for shift in SHIFTS]
    blocks = [
        _block(full[i : i + BLOCK], full_train, shifted, of_train, of_query[i : i + BLOCK])
        for i in range(0, len(full), BLOCK)
    ]
    return Neighbours(*(np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(Neighbours)))


def _block(
    queries: np.ndarray,
    train: np.ndarray,
    shifted: Sequence[np.ndarray],
    of_train: np.ndarray,
    of_query: np.ndarray,
) -> Neighbours:
    coarse, pose = _coarse_search(queries, shifted)
    coarse[of_train == of_query[:, None]] = -2
    rows = _candidates(coarse, of_train)
    poses = np.take_along_axis(pose, rows, axis=1)
    r, flipped, shift = _refine(queries, train, rows, poses)
    r[np.take_along_axis(coarse, rows, axis=1) < -1] = -1
    best = r.argmax(1)
    at = np.arange(len(queries)), best
    other = of_train[rows] != of_train[rows[at]][:, None]
    return Neighbours(rows[at], r[at], np.where(other, r, -1).max(1), flipped[at], shift[at])


def _coarse_search(queries: np.ndarray, shifted: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Correlation at half resolution, float32 (n, m), and the pose that gave it, int8: shift index + 9 if flipped."""
    half = _pooled(queries, 2)
    best = np.full((len(queries), shifted[0].shape[1]), -2, dtype=np.float32)
    pose = np.zeros(best.shape, dtype=np.int8)
    for mirrored, images in enumerate((half, half[:, :, ::-1])):
        window = _crop(images, MARGIN // 2, (0, 0))
        for index, moved in enumerate(shifted):
            r = window @ moved
            better = r > best
            np.copyto(best, r, where=better)
            np.copyto(pose, np.int8(index + len(SHIFTS) * mirrored), where=better)
    return best, pose


def _candidates(coarse: np.ndarray, of_train: np.ndarray) -> np.ndarray:
    """Rows of train to compare at full resolution, int (n, candidates): nearest images, nearest of nearest subjects."""
    count = min(NEAREST_IMAGES, coarse.shape[1])
    chosen = [np.argpartition(-coarse, count - 1, axis=1)[:, :count]]
    left = coarse.copy()
    for _ in range(min(NEAREST_SUBJECTS, of_train.max() + 1)):
        nearest = left.argmax(1)
        chosen.append(nearest[:, None])
        left[of_train == of_train[nearest][:, None]] = -2
    return np.concatenate(chosen, axis=1)


def _refine(
    queries: np.ndarray, train: np.ndarray, rows: np.ndarray, poses: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(r, flipped, shift) of candidates (n, k) at full resolution, within a pixel of the coarse shift."""
    height, width = (side - 2 * MARGIN for side in queries.shape[1:])
    plain, mirrored = (_crop(images, MARGIN, (0, 0)) for images in (queries, queries[:, :, ::-1]))
    # the nearest image is also the nearest of its subject: compare every pair once
    pairs, first, back = np.unique(
        rows + len(train) * np.arange(len(rows))[:, None], return_index=True, return_inverse=True
    )
    of_query, of_train, pose = pairs // len(train), pairs % len(train), poses.ravel()[first]
    near = 2 * np.array(SHIFTS)[pose % len(SHIFTS)]
    best = np.full(len(pairs), -2, dtype=np.float32)
    shift = np.zeros((len(pairs), 2), dtype=np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(train, (height, width), axis=(1, 2))
    for start in range(0, len(pairs), BLOCK):
        block = slice(start, start + BLOCK)
        flipped = (pose[block] >= len(SHIFTS))[:, None]
        query = np.where(flipped, mirrored[of_query[block]], plain[of_query[block]])
        for fine in SHIFTS:
            at = near[block] + fine
            window = windows[of_train[block], MARGIN + at[:, 0], MARGIN + at[:, 1]]
            r = np.einsum("np,np->n", query, normalise(window.reshape(query.shape)))
            better = r > best[block]
            np.copyto(best[block], r, where=better)
            np.copyto(shift[block], at, where=better[:, None])
    back = back.reshape(rows.shape)
    return best[back], poses >= len(SHIFTS), shift[back]
