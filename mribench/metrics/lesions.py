"""Whether a lesion comes through, and whether there are lesions that nobody has.

Two images of one person, with a lesion and without, are measured and answered alike: with the same mask, noise and
random numbers. What the lesion changes in the answer is then the difference of the two answers, whatever the solver
does to the anatomy around it. Every function takes ``Pairs`` and returns float64 (N,).

Contrast is the mean of a difference over the lesion minus its mean over a ring around it: a contrast recovery
coefficient as in NEMA NU 2-2018, section 7, with a lesion in the sphere's place.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mribench.metrics.images import foreground
from mribench.metrics.paired import PSNR, decibel, masked_mean
from mribench.spec import Metric
from mribench.spec.metric import Pairs

LEAST_PIXELS = 8  # of a lesion that is asked about: a smaller one is lost in noise
LEAST_CONTRAST = 0.1  # of it, in grey ranges
GAP, RING = 1, 2  # pixels between lesion and ring, which partial volume fills, and width of the ring
ENOUGH = 0.5  # share of the lesion's contrast at which it is found, and at which another blob is a false one
MOST = 10.0  # times the contrast
REASON = f"no lesion has {LEAST_PIXELS} pixels and a contrast of {LEAST_CONTRAST:g} grey ranges"


def contrast(difference: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """Mean of each (H, W) over its mask minus the mean over the ring, float64 (N,); nan of an empty mask."""
    found = np.full(len(difference), np.nan)
    for i, (each, mask) in enumerate(zip(difference.astype(np.float64), lesion, strict=True)):
        if mask.any():
            found[i] = each[mask].mean() - each[_grown(mask, GAP + RING) & ~_grown(mask, GAP)].mean()
    return found


def is_visible(image: np.ndarray, twin: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """bool (N,): the lesion has ``LEAST_PIXELS`` and, either way, ``LEAST_CONTRAST``. image, twin: in [0, 1]."""
    return (lesion.sum((1, 2)) >= LEAST_PIXELS) & (np.abs(contrast(image - twin, lesion)) >= LEAST_CONTRAST)


def contrast_gap(pairs: Pairs) -> np.ndarray:
    """Contrast between the answers over that between the images, minus 1: -1 where the lesion changes nothing."""
    found = contrast(pairs.answer - pairs.answer_to_twin, pairs.lesion)
    return np.clip(found / contrast(pairs.image - pairs.twin, pairs.lesion) - 1, -MOST, MOST)


def contrast_error(pairs: Pairs) -> np.ndarray:
    """The size of ``contrast_gap``: lost and invented contrast do not cancel over lesions."""
    return np.abs(contrast_gap(pairs))


def lesions_found(pairs: Pairs) -> np.ndarray:
    """1 where at least half of the lesion's contrast is recovered, else 0."""
    return (contrast_gap(pairs) >= ENOUGH - 1).astype(np.float64)


def psnr_lesion(pairs: Pairs) -> np.ndarray:
    """PSNR of the answer over the lesion and its ring, in dB, data range 1."""
    around = np.stack([_grown(mask, GAP + RING) for mask in pairs.lesion])
    return decibel(masked_mean(np.square(pairs.answer.astype(np.float64) - pairs.image), around))


def false_lesions(pairs: Pairs) -> np.ndarray:
    """Number of blobs like the lesion in the answer to the healthy twin.

    A blob is where answer minus twin, averaged over a disc of the lesion's area, differs from its mean over a ring
    around the disc by at least half of the lesion's contrast, the way the lesion does. Centres lie in the foreground of
    the twin; touching ones are one blob.
    """
    from scipy import ndimage

    strengths = contrast(pairs.image - pairs.twin, pairs.lesion)
    inside, counts = foreground(pairs.twin), np.zeros(len(strengths))
    for i, strength in enumerate(strengths):
        error = pairs.answer_to_twin[i].astype(np.float64) - pairs.twin[i]
        found = ndimage.convolve(error, _disc_in_ring(int(pairs.lesion[i].sum())), mode="constant")
        counts[i] = ndimage.label((found / strength >= ENOUGH) & inside[i])[1]
    return counts


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    from scipy import ndimage

    return ndimage.binary_dilation(mask, iterations=pixels)


def _disc_in_ring(area: int) -> np.ndarray:
    """Weights of a mean over a disc minus a mean over the ring around it, which is as wide as the disc's radius."""
    radius = max(np.sqrt(area / np.pi), 1.0)
    reach = int(np.ceil(2 * radius + GAP))
    place = np.arange(-reach, reach + 1)
    distance = np.hypot(place[:, None], place)
    disc, ring = distance <= radius, (distance > radius + GAP) & (distance <= 2 * radius + GAP)
    return disc / disc.sum() - ring / ring.sum()


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
    paper="contrast recovery coefficient: NEMA NU 2-2018, section 7",
)
CONTRAST_GAP = replace(
    CONTRAST_ERROR,
    name="contrast_gap",
    title="Share of the lesion's contrast that is recovered, minus 1",
    direction="zero",
    range=(-MOST, MOST),
    compute=contrast_gap,
)
LESIONS_FOUND = replace(
    CONTRAST_ERROR,
    name="lesions_found",
    title="Share of lesions with at least half of their contrast",
    direction="up",
    range=(0.0, 1.0),
    compute=lesions_found,
    paper="sensitivity in free response: Bunch et al. 1977, doi:10.1117/12.955926",
)
FALSE_LESIONS = replace(
    CONTRAST_ERROR,
    name="false_lesions",
    title="False lesions in the healthy tissue of an image",
    range=(0.0, float("inf")),
    compute=false_lesions,
    paper="false positives an image: Bunch et al. 1977; hallucinations: Bhadra et al. 2021, arXiv:2012.00646",
)
