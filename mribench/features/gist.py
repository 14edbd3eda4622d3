"""gist208-v1: oriented energy on a 4x4 grid, no weights; where hc85-v1 counts textures, this one sees the layout.

After the GIST of Oliva & Torralba 2001: air (10/255) is taken off, what is below counts as 0; log-Gabor filters
(Field 1987) of 3 scales x 4 orientations; the magnitude of each response and the image itself, averaged over 4x4
cells, in log: 13 x 16 numbers. The image is taken as periodic. The z-score by training features and its clip belong to
the distance: ``metrics.kernels.standardise``. Scales and the constant in the logarithm were set on phantoms, with
``mribench.trust``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from mribench.errors import InputError
from mribench.features.hc85 import AIR
from mribench.spec import FeatureSpace

CELLS = 4
SCALES = (0.42, 0.21, 0.105)  # centre frequencies, cycles per pixel
ORIENTATIONS = 4
BANDWIDTH = 0.65  # of the log-Gabor, about one octave: Kovesi 1999
DIM = CELLS**2 * (len(SCALES) * ORIENTATIONS + 1)
EPSILON = 0.5 / 255  # half a grey level: below it there is only rounding
CHUNK = 64


def extract(images: np.ndarray) -> np.ndarray:
    """(N, H, W) in [0, 1] -> float64 (N, 208), unscaled; row i depends on image i alone.

    ``InputError``: not (N, H, W), a side below 16 or not divisible by 4, or a value that is not finite.
    """
    if images.ndim != 3 or min(images.shape[1:]) < 16 or any(side % CELLS for side in images.shape[1:]):
        raise InputError(
            f"images have shape {images.shape}: gist208-v1 needs (N, H, W), sides of 16 or more, divisible by 4."
        )
    if not np.isfinite(images).all():
        raise InputError("an image holds NaN or infinity: gist208-v1 needs finite values in [0, 1].")
    chunks = [_features(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK)]
    return np.concatenate(chunks) if chunks else np.empty((0, DIM))


def load() -> Callable[[np.ndarray], np.ndarray]:
    return extract


def identity() -> str:
    return "gist208-v1"


def _features(images: np.ndarray) -> np.ndarray:
    # subtracted, not cut off: a pixel that crosses the floor by two grey levels counts two, not twelve
    images = np.maximum(images.astype(np.float32) - AIR, 0)
    spectrum = np.fft.fft2(images)
    maps = [np.abs(np.fft.ifft2(spectrum * filter_)) for filter_ in _filters(*images.shape[1:])]
    return np.log(np.concatenate([_cells(map_) for map_ in (*maps, images)], axis=1) + EPSILON)


def _cells(maps: np.ndarray) -> np.ndarray:
    """Mean over each of 4x4 cells: (N, H, W) -> float64 (N, 16)."""
    n, height, width = maps.shape
    blocks = maps.reshape(n, CELLS, height // CELLS, CELLS, width // CELLS)
    return blocks.mean((2, 4), dtype=np.float64).reshape(n, -1)


@lru_cache(maxsize=4)
def _filters(height: int, width: int) -> np.ndarray:
    """Transfer functions (12, H, W); each covers one half plane, so a response's magnitude is its local amplitude."""
    row, column = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)
    radius, angle = np.hypot(row, column), np.arctan2(row, column)
    radius[0, 0] = 1  # its logarithm is not used: the mean passes no filter
    filters = []
    for centre in SCALES:
        radial = np.exp(-np.square(np.log(radius / centre)) / (2 * np.log(BANDWIDTH) ** 2))
        radial[0, 0] = 0
        for k in range(ORIENTATIONS):
            turn = np.angle(np.exp(1j * (angle - np.pi * k / ORIENTATIONS)))
            # 2: the amplitude of a wave, of which one half plane holds one half
            filters.append(2 * radial * np.exp(-np.square(turn) / (2 * (np.pi / ORIENTATIONS / 1.2) ** 2)))
    return np.stack(filters).astype(np.float32)


GIST = FeatureSpace(
    name="gist208-v1",
    title="208 oriented energies on a grid",
    dim=DIM,
    kernel="rbf",
    load=load,
    identity=identity,
    paper="Oliva & Torralba 2001, doi:10.1023/A:1011139631724; Field 1987, doi:10.1364/JOSAA.4.002379",
)
