"""Images of other organs: always the same, so that results of two runs compare."""

from __future__ import annotations

import mribench_brain
import mribench_chromatin
import mribench_heart
import mribench_kidney
import mribench_lung
import mribench_spine
import numpy as np

PACKAGES = (
    mribench_brain,
    mribench_chromatin,
    mribench_heart,
    mribench_kidney,
    mribench_lung,
    mribench_spine,
)
ORGANS = tuple(package.MODALITY.name for package in PACKAGES)
SEED = 20_000  # of the drawings; no run draws its data with it
EACH = 24  # subjects of an organ, one image of each
SLICE = 2


def strangers(own: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Phantoms of the organs that are not ``own``: uint8 (M, size, size), and of each its place in ``ORGANS``, (M,)."""
    others = [place for place, name in enumerate(ORGANS) if name != own]
    drawn = [
        PACKAGES[place].MODALITY.phantom(SEED, subject, SLICE, size).image
        for place in others
        for subject in range(EACH)
    ]
    return np.rint(np.stack(drawn) * 255).astype(np.uint8), np.repeat(others, EACH)
