"""Which training images are worth a closer look: every pair is compared at 16 pixels a side, under eight symmetries.

A copy that was warped, cut or inverted is unlike its original in another way each time, so candidates come from four
similarities. Each is the largest over shifts of one coarse pixel.
"""

from __future__ import annotations

import numpy as np

from mribench.audit.poses import posed, symmetries

SIDE = 16  # images are averaged down to less than twice this
NEAREST_IMAGES = 4  # candidates of each similarity
NEAREST_SUBJECTS = 4  # whose nearest image is a candidate as well
SIMILARITIES = 4
SHIFTS = tuple((row, column) for row in (0, 1, 2) for column in (0, 1, 2))
FLAT = (
    1.0  # grey levels of standard deviation below which a region counts as having less contrast than it has
)


def pooled(images: np.ndarray, factor: int) -> np.ndarray:
    """float32 (N, h, w): means of blocks of factor x factor pixels; what is left over at the far sides is cut."""
    n, height, width = images.shape
    rows, columns = height // factor, width // factor
    cut = images[:, : rows * factor, : columns * factor].astype(np.float32)
    return cut.reshape(n, rows, factor, columns, factor).mean((2, 4)) if factor > 1 else cut


def normalise(rows: np.ndarray, flat: float = 0.0) -> np.ndarray:
    """Rows of zero mean and unit norm.

    A row of less standard deviation than ``flat`` is shorter, and a constant one becomes 0: it correlates with nothing.
    """
    centred = rows - rows.mean(-1, keepdims=True)
    norm = np.sqrt(np.einsum("...i,...i->...", centred, centred))[..., None]
    centred /= np.maximum(norm, max(flat * np.sqrt(rows.shape[-1]), 1e-3))
    return centred


def candidates(
    queries: np.ndarray, train: np.ndarray, of_train: np.ndarray, of_query: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Training images to compare with each query, and the symmetry under which the query looks most like them.

    Args:
        queries: float32 (n, H, W).
        train: float32 (m, H, W).
        of_train: subject of each training image, int (m,).
        of_query: subject of each query, whose own images are no candidates, int (n,).

    Returns:
        Row and symmetry, int (n, k) each; row -1 where there is nothing to compare with. Equally many come from each
        similarity, those of the whole image first.
    """
    excluded = of_train == of_query[:, None]
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for similarity, symmetry in _similarities(queries, train):
        similarity[excluded] = -np.inf
        rows = _nearest(similarity, of_train)
        turned = np.take_along_axis(symmetry, rows, axis=1)
        rows[np.isneginf(np.take_along_axis(similarity, rows, axis=1))] = -1
        found.append((rows, turned))
    return np.concatenate([rows for rows, _ in found], axis=1), np.concatenate([s for _, s in found], axis=1)


def _similarities(queries: np.ndarray, train: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """(similarity, symmetry) of all pairs (n, m), in four ways.

    The correlation of whole images; that of quadrants, each shifted by itself, on average and in the better half of
    the image; and the average over quadrants of gradient magnitudes, which an inverted contrast leaves as they are.
    """
    grey, edges = ([small(channel(part)) for part in (queries, train)] for channel in (_itself, gradient))
    shape = len(queries), len(train)
    found = [(np.full(shape, -np.inf, np.float32), np.zeros(shape, np.int8)) for _ in range(SIMILARITIES)]
    whole, quadrants, of_edges = _windows(grey[1], 1), _windows(grey[1], 2), _windows(edges[1], 2)
    for symmetry in symmetries(queries.shape):
        (image,) = _products(posed(grey[0], symmetry), whole)
        parts = _products(posed(grey[0], symmetry), quadrants)
        top_left, top_right, bottom_left, bottom_right = parts
        rows = np.maximum(top_left + top_right, bottom_left + bottom_right)
        columns = np.maximum(top_left + bottom_left, top_right + bottom_right)
        outlines = sum(_products(posed(edges[0], symmetry), of_edges))
        for (best, which), value in zip(
            found, (image, sum(parts), np.maximum(rows, columns), outlines), strict=True
        ):
            better = value > best
            np.copyto(best, value, where=better)
            np.copyto(which, np.int8(symmetry), where=better)
    return found


def _itself(images: np.ndarray) -> np.ndarray:
    return images


def gradient(images: np.ndarray) -> np.ndarray:
    """float32 (N, H, W): magnitude of the gradient."""
    down, right = np.gradient(images, axis=(1, 2))
    return np.sqrt(np.square(down) + np.square(right))


def small(images: np.ndarray) -> np.ndarray:
    """float32 (N, h, w): averaged down to sides from 16 to 31."""
    return pooled(images, max(1, min(images.shape[1:]) // SIDE))


def _cells(images: np.ndarray, cells: int, shift: tuple[int, int]) -> list[np.ndarray]:
    """What lies within one pixel of the sides, moved by ``shift``, in cells x cells parts: float32 (N, pixels) each."""
    height, width = ((side - 2) // cells for side in images.shape[1:])
    corners = [
        (shift[0] + row * height, shift[1] + column * width)
        for row in range(cells)
        for column in range(cells)
    ]
    return [
        normalise(images[:, top : top + height, left : left + width].reshape(len(images), -1), FLAT)
        for top, left in corners
    ]


def _windows(train: np.ndarray, cells: int) -> list[np.ndarray]:
    """Of each cell all shifts of all training images, float32 (pixels, 9 m)."""
    shifted = [_cells(train, cells, shift) for shift in SHIFTS]
    return [np.concatenate(parts).T.copy() for parts in zip(*shifted, strict=True)]


def _products(queries: np.ndarray, windows: list[np.ndarray]) -> list[np.ndarray]:
    """Of each cell the largest correlation over the shifts, float32 (n, m)."""
    cells = _cells(queries, round(len(windows) ** 0.5), (1, 1))
    return [
        (cell @ window).reshape(len(queries), len(SHIFTS), -1).max(1)
        for cell, window in zip(cells, windows, strict=True)
    ]


def _nearest(similarity: np.ndarray, of_train: np.ndarray) -> np.ndarray:
    """Rows of train, int (n, k): the most similar images, and the most similar one of each most similar subject."""
    count = min(NEAREST_IMAGES, similarity.shape[1])
    chosen = [np.argpartition(-similarity, count - 1, axis=1)[:, :count]]
    left = similarity.copy()
    for _ in range(min(NEAREST_SUBJECTS, of_train.max() + 1)):
        nearest = left.argmax(1)
        chosen.append(nearest[:, None])
        left[of_train == of_train[nearest][:, None]] = -np.inf
    return np.concatenate(chosen, axis=1)
