"""shape156-v1: local shape, flatness and layout, no weights; where hc85-v1 and gist208-v1 average, it keeps extremes.

Air (10/255) is taken off, what is below counts as 0. Then three groups of numbers:

- Local shape at 4 scales, 80 numbers. The eigenvalues of the Hessian of the smoothed image (Lindeberg 1998) tell bright
  and dark spots, ridges, valleys and saddles apart; a warp makes saddles, a cut makes ridges, a lesion a spot. Of each
  of the 5 maps: its mean, the mean of its strongest pixels (1/1024 of all) and of the next strong ones (up to 1/128);
  at the third scale also its mean in each quarter of the image. In log.
- Flatness in square windows of 3 sizes that hold no air, 12 numbers: quantiles of the standard deviation within a
  window, in log. A part that was lost or filled in is flatter than tissue is anywhere.
- The image itself, averaged over 8x8 cells, 64 numbers: where things are.

The z-score by training features and its clip belong to the distance: ``metrics.kernels.standardise``. Scales, shares
and sizes were set on phantoms and on real nuclei, hearts and lungs, with the changes of ``mribench.trust``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from mribench.errors import InputError
from mribench.features.gist import EPSILON
from mribench.features.hc85 import AIR
from mribench.spec import FeatureSpace

N_SCALES = 4
FINEST = 1.0  # standard deviation of the smoothing, pixels
COARSEST = 4.2 / 64  # the same, as a share of the shorter side
IN_QUARTERS = 2  # the scale whose maps are also averaged over quarters
STRONGEST = (1 / 1024, 1 / 128)  # shares of the pixels
WINDOWS = (5 / 64, 9 / 64, 13 / 64)  # shares of the shorter side
FLATTEST = (0.0, 0.02, 0.1, 0.3)  # quantiles
CELLS = 8
N_MAPS = 5
DIM = N_MAPS * (3 * N_SCALES + 4) + len(WINDOWS) * len(FLATTEST) + CELLS**2
CHUNK = 64


def extract(images: np.ndarray) -> np.ndarray:
    """(N, H, W) in [0, 1] -> float64 (N, 156), unscaled; row i depends on image i alone.

    ``InputError``: not (N, H, W), a side below 16, or a value that is not finite.
    """
    if images.ndim != 3 or min(images.shape[1:]) < 16:
        raise InputError(
            f"images have shape {images.shape}: shape156-v1 needs (N, H, W), sides of 16 or more."
        )
    if not np.isfinite(images).all():
        raise InputError("an image holds NaN or infinity: shape156-v1 needs finite values in [0, 1].")
    chunks = [_features(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK)]
    return np.concatenate(chunks) if chunks else np.empty((0, DIM))


def load() -> Callable[[np.ndarray], np.ndarray]:
    return extract


def identity() -> str:
    return "shape156-v1"


def _features(images: np.ndarray) -> np.ndarray:
    images = images.astype(np.float32)
    tissue = np.maximum(images - AIR, 0)
    cells = _averaged(tissue, CELLS).reshape(len(images), -1)
    return np.concatenate([_local_shape(tissue), _flatness(images), cells], axis=1, dtype=np.float64)


def _local_shape(images: np.ndarray) -> np.ndarray:
    numbers = []
    for i, scale in enumerate(np.geomspace(FINEST, COARSEST * min(images.shape[1:]), N_SCALES)):
        for map_ in _maps(images, float(scale)):
            flat = map_.reshape(len(images), -1)
            counts = [max(1, round(share * flat.shape[1])) for share in STRONGEST]
            # most of a map is 0; negated, the many ties lie where partition has nothing to put in order
            strong = -np.sort(np.partition(-flat, counts[-1] - 1)[:, : counts[-1]])
            numbers += [strong[:, : counts[0]].mean(1), strong[:, counts[0] :].mean(1), flat.mean(1)]
            if i == IN_QUARTERS:
                numbers += list(_averaged(map_, 2).reshape(len(images), -1).T)
    return np.log(np.stack(numbers, axis=1) + EPSILON)


def _maps(images: np.ndarray, scale: float) -> tuple[np.ndarray, ...]:
    """How much of a bright spot, dark spot, ridge, valley and saddle each pixel is, float32 (N, H, W), 0 and above.

    From the eigenvalues of the Hessian, in grey range: derivatives are per ``scale``, so that one threshold fits all.
    """
    (d0, d1, d2), (e0, e1, e2) = (_derivatives(side, scale) for side in images.shape[1:])
    rows, columns, mixed = d2 @ images @ e0.T, d0 @ images @ e2.T, d1 @ images @ e1.T
    mean, half = (rows + columns) / 2, np.hypot((rows - columns) / 2, mixed)
    high, low = mean + half, mean - half
    ridge, valley = np.maximum(-low, 0), np.maximum(high, 0)
    return np.maximum(-high, 0), np.maximum(low, 0), ridge, valley, np.minimum(ridge, valley)


@lru_cache(maxsize=32)
def _derivatives(side: int, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Smoothing by a Gaussian and its first and second derivative along one axis, times scale and scale².

    float32 (side, side) each, to be multiplied with. The border is repeated outwards.
    """
    offset = np.arange(-int(4 * scale + 0.5), int(4 * scale + 0.5) + 1)
    smooth = np.exp(-np.square(offset / scale) / 2)
    smooth /= smooth.sum()
    second = smooth * (np.square(offset / scale) - 1)
    second -= smooth * second.sum()  # sampled, it does not add up to 0 by itself
    matrices = np.zeros((3, side, side))
    at = np.arange(side)[:, None]
    for matrix, weights in zip(matrices, (smooth, smooth * offset / scale, second), strict=True):
        np.add.at(matrix, (at, (at + offset).clip(0, side - 1)), weights)
    return tuple(matrices.astype(np.float32))


def _flatness(images: np.ndarray) -> np.ndarray:
    """Log quantiles of the standard deviation in windows without air; where none fits, that of the image."""
    n, side = len(images), min(images.shape[1:])
    tissue = (images >= AIR).astype(np.float32)
    numbers = []
    for share in WINDOWS:
        width = 2 * round(share * side / 2 - 0.5) + 1
        mean, square, whole = (_window_means(x, width) for x in (images, images**2, tissue))
        deviation = np.sqrt(np.maximum(square - mean**2, 0)).reshape(n, -1)
        inside = whole.reshape(n, -1) > 1 - 0.5 / width**2
        found = inside.sum(1)
        ordered = np.sort(np.where(inside, deviation, np.inf))
        for quantile in FLATTEST:
            value = ordered[np.arange(n), np.floor(quantile * np.maximum(found - 1, 0)).astype(int)]
            numbers.append(np.where(found > 0, value, images.std((1, 2))))
    return np.log(np.stack(numbers, axis=1) + EPSILON)


def _window_means(images: np.ndarray, width: int) -> np.ndarray:
    """(N, H, W) -> (N, H - width + 1, W - width + 1)."""
    rows, columns = (_windows(side, width) for side in images.shape[1:])
    return rows @ images @ columns.T


@lru_cache(maxsize=32)
def _windows(side: int, width: int) -> np.ndarray:
    start = np.arange(side - width + 1)[:, None]
    inside = (np.arange(side) >= start) & (np.arange(side) < start + width)
    return (inside / width).astype(np.float32)


def _averaged(images: np.ndarray, cells: int) -> np.ndarray:
    """Means over cells x cells equal parts: (N, H, W) -> (N, cells, cells). A pixel may lie in two parts."""
    rows, columns = (_parts(side, cells) for side in images.shape[1:])
    return rows @ images @ columns.T


@lru_cache(maxsize=32)
def _parts(side: int, parts: int) -> np.ndarray:
    start = np.arange(parts)[:, None] * (side / parts)
    pixel = np.arange(side)
    overlap = np.minimum(pixel + 1, start + side / parts) - np.maximum(pixel, start)
    return (overlap.clip(0) * parts / side).astype(np.float32)


SHAPE = FeatureSpace(
    name="shape156-v1",
    title="156 numbers of local shape, flatness and layout",
    dim=DIM,
    kernel="rbf",
    load=load,
    identity=identity,
    paper="Lindeberg 1998, doi:10.1023/A:1008045108935",
)
