"""What every reader yields: the slices of one acquisition of one subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Volume:
    """Slices that were acquired together and share one intensity scale.

    subject: id of the person (or field of view) the slices come from; the unit of the split.
    pixels: float32 (n_slices, H, W), any range; spacing: mm along those three axes, None where unknown.
    source: where in the input it stood (relative file, series, NPZ ``source``); never a path of the machine.
    contrast: how it was acquired, as far as the file says (``T1w``, ``MR SE TE 14``), else empty; units: what a
    pixel value means; plane: sagittal, coronal or axial, with its tilt where it is oblique, else empty.
    foreground: what the card wants done with the air around the body; readers leave it alone.
    """

    subject: str
    pixels: np.ndarray
    spacing: tuple[float, float, float] | None
    source: str
    contrast: str = ""
    units: str = "as stored"
    plane: str = ""
    foreground: str = "none"
