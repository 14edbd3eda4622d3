"""Pairs of a query and a training image at full resolution: correlation of the whole, and of patches one by one.

All queries that share a training image are compared with it by one matrix product: its windows at every shift against
their pixels.
"""

from __future__ import annotations

import numpy as np

from mribench.audit.coarse import normalise, pooled
from mribench.audit.poses import posed, symmetries

MARGIN = 4  # pixels left out around a query; the largest shift of the whole is one less
PATCH_SIDE = 32  # pixels a side at which patches are compared, to less than twice this
PATCHES = 4  # a row and a column: 16 in all
PATCH_SHIFT = 3  # of a patch by itself, either way, in pixels of that resolution
FLAT = 2.0  # grey levels; see ``normalise``
INFORMATIVE = 0.15  # a patch counts if its contrast is this share of that of the query's best one, or more

HALVES = tuple(
    np.array(half)
    for half in (
        (0, 1, 2, 3, 4, 5, 6, 7),
        (8, 9, 10, 11, 12, 13, 14, 15),
        (0, 1, 4, 5, 8, 9, 12, 13),
        (2, 3, 6, 7, 10, 11, 14, 15),
    )
)


def compare(
    queries: np.ndarray, train: np.ndarray, rows: np.ndarray, turned: np.ndarray, n_whole: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Correlations of the pairs that ``coarse.candidates`` chose.

    Args:
        queries: float32 (n, H, W).
        train: float32 (m, H, W).
        rows: of train, int (n, k); -1 for none.
        turned: symmetry of the query in each pair, int (n, k).
        n_whole: how many of the k are compared as wholes too; patches of all are.

    Returns:
        ``r`` float32 (n, k): the largest over shifts of up to 3 pixels, -1 where not asked for. ``shift`` int
        (n, k, 2): how far (rows, columns) the training image's window lies from the query's. ``patches`` float32
        (n, k, 16): the largest magnitude of the correlation of each patch over its own shifts. ``informative`` bool
        (8, n, 16): by symmetry, which patches have contrast enough.
    """
    n, k = rows.shape
    # a pair may be chosen for several reasons: it is compared once
    codes = (rows * 8 + turned) * n + np.arange(n)[:, None]
    pairs, back = np.unique(codes, return_inverse=True)
    row, of_query = pairs // (8 * n), pairs % (8 * n)  # of_query: symmetry * n + query
    as_whole = np.isin(pairs, codes[:, :n_whole])
    whole, (patches, contrast) = _wholes(queries), _patches(queries)
    windows, small_train = _Windows(train), _small(train)
    r = np.full(len(pairs), -1, np.float32)
    shift = np.zeros((len(pairs), 2), np.int64)
    of_patches = np.zeros((len(pairs), PATCHES**2), np.float32)
    # a run of pairs for each training image; -2, since the first may be -1, none
    starts = np.flatnonzero(np.diff(row, prepend=-2))
    for start, stop in zip(starts, [*starts[1:], len(pairs)], strict=True):
        image, these = row[start], of_query[start:stop]
        if image < 0:
            continue
        by_patch = _patch_windows(small_train[image]) @ patches[:, these].transpose(0, 2, 1)
        of_patches[start:stop] = np.abs(by_patch, out=by_patch).max(1).T
        chosen = start + np.flatnonzero(as_whole[start:stop])
        if len(chosen):
            similar = windows.correlations(image, whole[of_query[chosen]])
            best = similar.argmax(1)
            r[chosen] = similar[np.arange(len(chosen)), best]
            shift[chosen] = np.stack(np.divmod(best, 2 * MARGIN - 1), axis=1) - (MARGIN - 1)
    back = back.reshape(n, k)
    informative = contrast >= INFORMATIVE * contrast.max(-1, keepdims=True)
    return r[back], shift[back], of_patches[back], informative


def _wholes(queries: np.ndarray) -> np.ndarray:
    """float32 (8 n, pixels): each query under each symmetry, without its margin."""
    inner = queries[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    found = np.zeros((8, len(queries), inner[0].size), np.float32)
    for symmetry in symmetries(queries.shape):
        found[symmetry] = posed(inner, symmetry).reshape(len(queries), -1)
    return normalise(found.reshape(-1, inner[0].size))


class _Windows:
    """A training image at every shift. The buffer is filled again for each: a new one costs ten times the copying."""

    def __init__(self, train: np.ndarray) -> None:
        self.inner = train[:, 1:-1, 1:-1] - train.mean((1, 2), keepdims=True)
        self.size = tuple(side - 2 * MARGIN for side in train.shape[1:])
        shifts = 2 * MARGIN - 1
        self.buffer = np.empty((shifts, shifts, *self.size), np.float32)
        # the queries have a mean of 0, so only the norms need that of the windows
        sums, squares = _box_sums(self.inner, self.size), _box_sums(np.square(self.inner), self.size)
        norms = np.sqrt(np.maximum(squares - np.square(sums) / np.prod(self.size), 0))
        # a flat window resembles nothing
        self.norms = np.where(norms > 1e-3, norms, np.inf).astype(np.float32).reshape(len(train), -1)

    def correlations(self, image: int, queries: np.ndarray) -> np.ndarray:
        """float32 (n, 49) of one training image and queries (n, pixels) of zero mean and unit norm."""
        np.copyto(self.buffer, np.lib.stride_tricks.sliding_window_view(self.inner[image], self.size))
        return queries @ self.buffer.reshape(-1, queries.shape[1]).T / self.norms[image]


def _box_sums(images: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """float64 (N, rows, columns): sums of all boxes of ``size`` (height, width) in images (N, H, W)."""
    height, width = size
    # a summed-area table (Crow 1984, doi:10.1145/800031.808600); float32 would lose digits in its last sums
    total = np.pad(images, ((0, 0), (1, 0), (1, 0))).cumsum(1, dtype=np.float64).cumsum(2)
    below, above = total[:, height:], total[:, :-height]
    return below[..., width:] - above[..., width:] - below[..., :-width] + above[..., :-width]


def _small(images: np.ndarray) -> np.ndarray:
    return pooled(images, max(1, min(images.shape[1:]) // PATCH_SIDE))


def _corners(shape: tuple[int, ...]) -> tuple[int, int, list[tuple[int, int]]]:
    """Height and width of a patch, and where each begins, so that every shift stays inside the image."""
    height, width = ((side - 2 * PATCH_SHIFT) // PATCHES for side in shape[-2:])
    places = [(row * height, column * width) for row in range(PATCHES) for column in range(PATCHES)]
    return height, width, places


def _patches(queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Patches of each query under each symmetry, float32 (16, 8 n, pixels), and their contrast, (8, n, 16)."""
    small = _small(queries)
    height, width, corners = _corners(small.shape)
    found = np.zeros((PATCHES**2, 8, len(small), height * width), np.float32)
    for symmetry in symmetries(small.shape):
        turned = posed(small, symmetry)[:, PATCH_SHIFT:, PATCH_SHIFT:]
        for patch, (top, left) in enumerate(corners):
            window = turned[:, top : top + height, left : left + width]
            found[patch, symmetry] = window.reshape(len(small), -1)
    contrast = found.std(-1).transpose(1, 2, 0)
    return normalise(found.reshape(PATCHES**2, -1, height * width), FLAT), contrast


def _patch_windows(image: np.ndarray) -> np.ndarray:
    """float32 (16, 49, pixels): a training image around each patch, at every shift."""
    height, width, corners = _corners(image.shape)
    windows = np.lib.stride_tricks.sliding_window_view(image, (height, width))
    reach = 2 * PATCH_SHIFT + 1
    around = [windows[top : top + reach, left : left + reach].reshape(reach**2, -1) for top, left in corners]
    return normalise(np.stack(around), FLAT)
