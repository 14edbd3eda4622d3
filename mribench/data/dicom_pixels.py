"""Pixels of one DICOM file in real units."""

from __future__ import annotations

from typing import Any

import numpy as np

from mribench.data.readers.image import luminance
from mribench.errors import DataError


def decode(dataset: Any, name: str) -> np.ndarray:
    """float32 (frames, H, W) of a pydicom dataset: decoded, palette and colour to luminance, rescaled.

    Raises DataError, naming ``name``, where there are no pixels; whatever pydicom raises for damaged ones.
    """
    from pydicom.pixels import apply_color_lut

    if not any(tag in dataset for tag in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise DataError(f"{name} is a DICOM file without pixels; remove it from the folder.")
    array = dataset.pixel_array
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        array = luminance(apply_color_lut(array, dataset)[..., :3])
    elif dataset.SamplesPerPixel > 1:
        array = luminance(array)
    return _rescale(array.astype(np.float32).reshape(-1, *array.shape[-2:]), dataset)


def _rescale(frames: np.ndarray, dataset: Any) -> np.ndarray:
    """Slope and intercept of the file, or of each frame of an enhanced multi-frame file."""
    shared = _line(dataset, *(getattr(dataset, "SharedFunctionalGroupsSequence", None) or []))
    per_frame = getattr(dataset, "PerFrameFunctionalGroupsSequence", None) or []
    if len(per_frame) != len(frames):
        return frames * shared[0] + shared[1]
    lines = np.array([_line(dataset, group, default=shared) for group in per_frame], dtype=np.float32)
    return frames * lines[:, :1, None] + lines[:, 1:, None]


def _line(dataset: Any, *groups: Any, default: tuple[float, float] | None = None) -> tuple[float, float]:
    """(slope, intercept) of a functional group, else ``default``, else of the file, else (1, 0)."""
    for group in groups:
        for item in getattr(group, "PixelValueTransformationSequence", None) or []:
            return float(item.RescaleSlope), float(item.RescaleIntercept)
    slope, intercept = getattr(dataset, "RescaleSlope", None), getattr(dataset, "RescaleIntercept", None)
    return default or (float(slope or 1), float(intercept or 0))
