"""hc85-v1: 85 handcrafted numbers per image, no weights, so a distribution can be compared anywhere.

Recipe, in this order (images of any even side >= 16; features of different sides are not comparable):
air floor (below 10/255 -> 0), 20 intensity quantiles, 32-bin radial log power spectrum, 3-level Haar |detail|
(log mean and log std of 3 orientations = 18, and the std of each approximation = 3), 7 gradient-magnitude
quantiles, 5 moments of the mask. The z-score by training features and its clip to +-8 belong to the distance,
as they need the training set: ``metrics.kernels.standardise``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mribench.errors import InputError
from mribench.features.spectrum import radial_log_power
from mribench.spec import FeatureSpace

DIM = 85
# Ten grey levels, for every space and metric: what lies below is air. A generated background two grey levels above an
# exactly black one is invisible, yet without this floor it moved quantile and gradient features by 8 sigma and ranked
# clean samples beside blurred ones.
AIR = 10 / 255
INTENSITY_QUANTILES = (np.arange(20) + 0.5) / 20
GRADIENT_QUANTILES = np.array([0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
EPSILON = 1e-4  # well below the rounding error of 8 bits, so that flat images have a finite logarithm
CHUNK = 64


def extract(images: np.ndarray) -> np.ndarray:
    """(N, H, W) in [0, 1] -> float64 (N, 85), unscaled; row i depends on image i alone.

    ``InputError``: not (N, H, W), a side that is odd or below 16, or a value that is not finite.
    """
    if images.ndim != 3 or min(images.shape[1:]) < 16 or any(side % 2 for side in images.shape[1:]):
        raise InputError(
            f"images have shape {images.shape}: hc85-v1 needs (N, H, W), even sides of 16 or more."
        )
    if not np.isfinite(images).all():
        raise InputError("an image holds NaN or infinity: hc85-v1 needs finite values in [0, 1].")
    chunks = [_features(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK)]
    return np.concatenate(chunks) if chunks else np.empty((0, DIM))


def _features(images: np.ndarray) -> np.ndarray:
    images = np.where(images < AIR, 0, images).astype(np.float64)
    groups = (_intensity, radial_log_power, _haar, _gradient, _mask_moments)
    return np.concatenate([group(images) for group in groups], axis=1)


def _intensity(images: np.ndarray) -> np.ndarray:
    return np.quantile(images.reshape(len(images), -1), INTENSITY_QUANTILES, axis=1).T


def _gradient(images: np.ndarray) -> np.ndarray:
    rows = images[:, 1:, :-1] - images[:, :-1, :-1]
    columns = images[:, :-1, 1:] - images[:, :-1, :-1]
    return np.quantile(np.hypot(rows, columns).reshape(len(images), -1), GRADIENT_QUANTILES, axis=1).T


def _haar(images: np.ndarray) -> np.ndarray:
    details, approximations = [], []
    for _ in range(3):
        # a side that is no longer even loses its last line, as 18 px -> 9 -> 4
        even = images[:, : images.shape[1] // 2 * 2, : images.shape[2] // 2 * 2]
        a, b, c, d = even[:, ::2, ::2], even[:, ::2, 1::2], even[:, 1::2, ::2], even[:, 1::2, 1::2]
        for detail in (a + b - c - d, a - b + c - d, a - b - c + d):
            size = np.abs(detail) / 2
            details += [np.log(size.mean((1, 2)) + EPSILON), np.log(size.std((1, 2)) + EPSILON)]
        # the mean, not the orthonormal sum, keeps every level in [0, 1]
        images = (a + b + c + d) / 4
        approximations.append(images.std((1, 2)))
    return np.stack(details + approximations, axis=1)


def _mask_moments(images: np.ndarray) -> np.ndarray:
    """Area, centre (row, column) and spread (row, column) of what is not air, as fractions of the sides.

    An empty mask counts as a point in the centre.
    """
    mask = images > 0
    weight = np.maximum(mask.sum((1, 2)), 1)
    columns = [mask.mean((1, 2))]
    spreads = []
    empty = ~mask.any((1, 2))
    for axis in (1, 2):
        profile = mask.sum(3 - axis)
        position = (np.arange(mask.shape[axis]) + 0.5) / mask.shape[axis]
        centre = np.where(empty, 0.5, profile @ position / weight)
        variance = (profile * np.square(position - centre[:, None])).sum(1) / weight
        columns.append(centre)
        spreads.append(np.sqrt(variance))
    return np.stack(columns + spreads, axis=1)


def _load() -> Callable[[np.ndarray], np.ndarray]:
    return extract


def _identity() -> str:
    return "hc85-v1"


HC85 = FeatureSpace(
    name="hc85-v1",
    title="85 handcrafted features",
    dim=DIM,
    kernel="rbf",
    load=_load,
    identity=_identity,
    paper="spectrum: Durall et al. 2020, arXiv:2003.01826; wavelets: Mallat 1989, doi:10.1109/34.192463",
)
