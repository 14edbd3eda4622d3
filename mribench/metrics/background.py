"""Air around the body: where it is, how bright it is, and how much Rician noise it holds.

The magnitude of complex Gaussian noise of standard deviation s without a signal is Rayleigh distributed: mean
s sqrt(pi/2), variance (2 - pi/2) s^2 (Gudbjartsson & Patz 1995). The noise is taken from the variance about the local
mean and the level from the mean, so an even grey background is an offset and no noise. Resizing averages pixels and
lowers s; both sides went through the same resizing.
"""

from __future__ import annotations

import numpy as np

from mribench.errors import Unavailable
from mribench.features.hc85 import AIR
from mribench.memo import memoize
from mribench.metrics.images import by_chunks

WINDOW = 5  # pixels: the local mean of 25 tells air from tissue whatever the noise of one pixel
USED_SHARE = 0.5  # of the air, the darkest, so that none of it borders on tissue
MIN_AIR = 0.02  # of the pixels
RAYLEIGH = 2 - np.pi / 2  # variance over s^2


@memoize(maxsize=64)
def air_share(reference: np.ndarray) -> float:
    """Share of the pixels of an image that counts as air: half of the median share whose local mean is below 10/255."""
    share = float(np.median(by_chunks(_share_of_air, reference)))
    if share < MIN_AIR:
        raise Unavailable(
            f"{share:.1%} of a real image is air: at least {MIN_AIR:.0%} is needed to look at it"
        )
    return share * USED_SHARE


def _share_of_air(images: np.ndarray) -> np.ndarray:
    return (_local_mean(images) < AIR).mean((1, 2))


def sums_in_air(images: np.ndarray, share: float) -> np.ndarray:
    """(n, 2): of the darkest ``share`` of each image by local mean, the mean and the variance about the local mean."""
    local = _local_mean(images)
    inner = images[:, WINDOW // 2 : -(WINDOW // 2), WINDOW // 2 : -(WINDOW // 2)]
    n, count = len(images), max(1, round(share * local[0].size))
    darkest = np.argpartition(local.reshape(n, -1), count - 1, axis=1)[:, :count]
    level, local = (np.take_along_axis(part.reshape(n, -1), darkest, axis=1) for part in (inner, local))
    # the local mean of 25 pixels includes the pixel itself
    unbiased = WINDOW**2 / (WINDOW**2 - 1)
    return np.stack([level.mean(1), np.square(level - local).mean(1) * unbiased], axis=1)


def offset(means: np.ndarray) -> np.ndarray:
    """Mean level of the air, in [0, 1], from mean descriptions (B, 2)."""
    return means[:, 0]


def sigma(means: np.ndarray) -> np.ndarray:
    """Standard deviation s of the complex noise, in units of the grey range, from mean descriptions (B, 2)."""
    return np.sqrt(means[:, 1] / RAYLEIGH)


def _local_mean(images: np.ndarray) -> np.ndarray:
    """Mean over 5x5 pixels in the valid region: (n, H - 4, W - 4)."""
    sums = np.cumsum(np.cumsum(np.pad(images, ((0, 0), (1, 0), (1, 0))), axis=1), axis=2)
    w = WINDOW
    return (sums[:, w:, w:] - sums[:, :-w, w:] - sums[:, w:, :-w] + sums[:, :-w, :-w]) / w**2
