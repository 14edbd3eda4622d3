"""Files of a user's folder that show no subject: masks and label maps by their names, and what BIDS derives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mribench.data.readers.subjects import METADATA
from mribench.progress import say

# whole words of a path: brainmask, dseg, probseg, label, ...
MASK = re.compile(r"([a-z]*mask|[a-z]*seg|segmentation|label|labelmap|roi)s?\d*")
# of a BIDS folder: results of other programs, and the scans again as they came
NO_SCANS = ("derivatives", "sourcedata")
TWO_VALUES = "two values, as a mask has"


def without(root: Path, files: Sequence[Path]) -> list[Path]:
    """The files that are read; what is left out is said.

    A ``metadata.csv`` names its files, so that none of them is left out. Where all files are called so, all are read.

    Args:
        root: the folder; of a single file it is that file, which is read.
        files: image files below it.
    """
    if not root.is_dir() or (root / METADATA).is_file():
        return list(files)
    is_bids = (root / "dataset_description.json").is_file() or any(root.glob("sub-*"))
    scans = [file for file in files if not (is_bids and {*NO_SCANS} & {*file.relative_to(root).parts})]
    kept = [file for file in scans if not _is_called_a_mask(file.relative_to(root))]
    if not kept:
        return list(files)
    for left, why in (
        (set(files) - set(scans), f"below {'/ or '.join(NO_SCANS)}/"),
        (set(scans) - set(kept), "called masks or labels"),
    ):
        if left:
            first = min(left).relative_to(root).as_posix()
            plural = "s" * (len(left) > 1)
            say(
                f"left out of the images: {len(left)} file{plural} {why} ({first}{', ...' * (len(left) > 1)}); name "
                f"them in {METADATA} (file_name,subject) to have them read"
            )
    return kept


def is_mask(pixels: np.ndarray) -> bool:
    """Whether an image or volume holds exactly two values."""
    low, high = pixels.min(), pixels.max()
    return bool(low < high and ((pixels == low) | (pixels == high)).all())


def _is_called_a_mask(path: Path) -> bool:
    words = re.split(r"[^a-z0-9]+", path.as_posix().lower())
    return any(MASK.fullmatch(word) for word in words)
