"""Whether a lesion comes through, and whether there are lesions that nobody has: answers to measurements of a lesion.

Every function takes the answer, the image that was measured and its healthy twin, float (N, H, W) in [0, 1], and the
mask of the lesion, bool (N, H, W), and returns float64 (N,). What a lesion adds is what the image has beside its twin,
so that anatomy around it counts for nothing. Its contrast is the mean of that over the mask, minus the mean over a ring
around it: a contrast recovery coefficient as in NEMA NU 2-2018, section 7, with a lesion in the sphere's place.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mribench.metrics.images import foreground
from mribench.metrics.paired import PSNR, decibel, masked_mean
from mribench.spec import Metric

LEAST_PIXELS, LEAST_CONTRAST = (
    8,
    0.1,
)  # of a lesion that is asked about: smaller and fainter ones are lost in noise
GAP, RING = 1, 2  # pixels between lesion and ring, which partial volume fills, and width of the ring
ENOUGH = 0.5  # share of the lesion's contrast at which it is found, and at which another blob is a false one
MOST = 10.0  # times the contrast
REASON = f"no lesion has {LEAST_PIXELS} pixels and a contrast of {LEAST_CONTRAST:g} grey ranges"


def contrast(x: np.ndarray, twin: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """Mean of x - twin over the lesion minus its mean over the ring, in grey ranges; nan of an empty mask."""
    found = np.full(len(x), np.nan)
    for i, (one, healthy, mask) in enumerate(zip(x, twin, lesion, strict=True)):
        if mask.any():
            added = one.astype(np.float64) - healthy
            found[i] = added[mask].mean() - added[_ring(mask)].mean()
    return found


def is_visible(image: np.ndarray, twin: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """bool (N,): the lesion has ``LEAST_PIXELS`` and, either way, ``LEAST_CONTRAST``."""
    return (lesion.sum((1, 2)) >= LEAST_PIXELS) & (np.abs(contrast(image, twin, lesion)) >= LEAST_CONTRAST)


def contrast_gap(answer: np.ndarray, image: np.ndarray, twin: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """Contrast of the answer over that of the image, minus 1: -1 where the answer is the healthy twin."""
    ratio = contrast(answer, twin, lesion) / contrast(image, twin, lesion)
    return np.clip(ratio - 1, -MOST, MOST)


def contrast_error(answer: np.ndarray, image: np.ndarray, twin: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """The size of ``contrast_gap``: lost and invented contrast do not cancel over lesions."""
    return np.abs(contrast_gap(answer, image, twin, lesion))


def psnr_lesion(answer: np.ndarray, image: np.ndarray, twin: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """PSNR over the lesion and its ring, in dB, data range 1."""
    around = np.stack([_grown(mask, GAP + RING) for mask in lesion])
    return decibel(masked_mean(np.square(answer.astype(np.float64) - image), around))


def lesions_found(answer: np.ndarray, image: np.ndarray, twin: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """1 where the answer has at least half of the lesion's contrast, else 0."""
    return (contrast_gap(answer, image, twin, lesion) >= ENOUGH - 1).astype(np.float64)


def false_lesions(answer: np.ndarray, image: np.ndarray, twin: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """Number of blobs in healthy tissue that the answer has and the image has not, or that are missing from it.

    A blob is where answer minus image, averaged over a disc of the lesion's area, is farther from its mean over a ring
    around the disc than half of the lesion's contrast, either way. Centres lie in the foreground of the image, outside
    the lesion and its ring; touching ones are one blob.
    """
    from scipy import ndimage

    least = ENOUGH * np.abs(contrast(image, twin, lesion))
    inside, counts = foreground(image), np.zeros(len(answer))
    for i, mask in enumerate(lesion):
        around = _grown(mask, GAP + RING)
        error = np.where(around, 0.0, answer[i].astype(np.float64) - image[i])
        strength = np.abs(ndimage.convolve(error, _disc_in_ring(int(mask.sum())), mode="constant"))
        counts[i] = ndimage.label((strength >= least[i]) & inside[i] & ~around)[1]
    return counts


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    from scipy import ndimage

    return ndimage.binary_dilation(mask, iterations=pixels)


def _ring(mask: np.ndarray) -> np.ndarray:
    return _grown(mask, GAP + RING) & ~_grown(mask, GAP)


def _disc_in_ring(area: int) -> np.ndarray:
    """Weights of a mean over a disc minus a mean over the ring around it, which is as wide as the disc's radius."""
    radius = max(np.sqrt(area / np.pi), 1.0)
    reach = int(np.ceil(2 * radius + GAP))
    place = np.arange(-reach, reach + 1)
    distance = np.hypot(place[:, None], place)
    disc, ring = distance <= radius, (distance > radius + GAP) & (distance <= 2 * radius + GAP)
    return disc / disc.sum() - ring / ring.sum()


_CONTRAST = (
    "contrast recovery coefficient: NEMA NU 2-2018, section 7; healthy twin in place of the background"
)
PSNR_LESION = replace(
    PSNR, name="psnr_lesion", title="PSNR in the lesion and around it", kind="lesion", compute=psnr_lesion
)
CONTRAST_ERROR = Metric(
    name="contrast_error",
    title="Error of the lesion's contrast, as a share of it",
    unit="",
    direction="down",
    range=(0.0, MOST),
    kind="lesion",
    compute=contrast_error,
    version=1,
    paper=_CONTRAST,
)
CONTRAST_GAP = Metric(
    name="contrast_gap",
    title="Share of the lesion's contrast that is recovered, minus 1",
    unit="",
    direction="zero",
    range=(-MOST, MOST),
    kind="lesion",
    compute=contrast_gap,
    version=1,
    paper=_CONTRAST,
)
LESIONS_FOUND = Metric(
    name="lesions_found",
    title="Share of lesions with at least half of their contrast",
    unit="",
    direction="up",
    range=(0.0, 1.0),
    kind="lesion",
    compute=lesions_found,
    version=1,
    paper="sensitivity in free response: Bunch et al. 1977, doi:10.1117/12.955926",
)
FALSE_LESIONS = Metric(
    name="false_lesions",
    title="False lesions in the healthy tissue of an image",
    unit="",
    direction="down",
    range=(0.0, float("inf")),
    kind="lesion",
    compute=false_lesions,
    version=1,
    paper="false positives an image: Bunch et al. 1977; hallucinations: Bhadra et al. 2021, arXiv:2012.00646",
)
