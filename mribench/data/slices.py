"""Volume -> uint8 slices of one size: window per volume, one antialiased resize, zero padding."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np

from mribench.data.store.spool import Spooled
from mribench.errors import DataError
from mribench.spec import Volume

# part of every prepared folder's name: raise it when a change here or in select.py changes the images
PREPARATION = 2
PERCENTILES = (0.5, 99.5)
FOREGROUND = 0.05
# a slice with less of its area above the window's low end shows nothing to learn from
MIN_AREA = 0.01
MIN_SIDE = 8


class SliceRecord(NamedTuple):
    """One prepared slice."""

    image: np.ndarray | Spooled
    """uint8 (size, size), in memory or on the disk (``np.asarray`` gives it)"""
    subject: str
    slice: int
    """index in its volume, in the reader's order"""
    source: str
    origin: bytes = b""
    """sha256 of the pixels as they were read, which finds copies whatever their window was"""


class PreparedVolume(NamedTuple):
    """What became of a volume."""

    slices: list[SliceRecord]
    window: dict[str, Any]
    """which input values became 0 and 255, and how the volume was acquired: a row of the manifest"""
    dropped: list[dict[str, Any]]
    """a row of the manifest for each slice that is left out"""


def window(pixels: np.ndarray) -> tuple[float, float] | None:
    """(low, high): the 0.5th and 99.5th percentile of the foreground; None where all pixels are equal.

    Foreground is what exceeds floor + 5 % of (99th percentile - floor), floor being the 0.1th percentile:
    air around the body does not enter, and neither a few saturated nor a few padding pixels move it. Where
    the bright part is below 1 % of the volume the maximum replaces the 99th percentile; where the
    foreground has one value (a mask) the window starts at the floor.
    """
    found = _levels(pixels)
    if found is None:
        return None
    floor, threshold = found
    low, high = np.percentile(pixels[pixels > threshold], PERCENTILES)
    return (float(low), float(high)) if high > low else (float(floor), float(high))


def _levels(pixels: np.ndarray) -> tuple[float, float] | None:
    """(floor, threshold) as ``window`` defines them; foreground is what exceeds the threshold."""
    floor, top = np.percentile(pixels, [0.1, 99])
    if top <= floor:
        floor, top = pixels.min(), pixels.max()
    return (floor, floor + FOREGROUND * (top - floor)) if top > floor else None


def outside(pixels: np.ndarray, threshold: float) -> np.ndarray:
    """bool (H, W): the air around the body of one slice.

    A pixel is air where most of the 3x3 around it do not exceed the threshold, and outside where a path of air,
    by edges, leads to the border of the image: dark parts inside the body stay. What does not exceed the
    threshold is below the window and 0 anyway; the vote finds the specks of noise that rise above it.
    """
    from scipy import ndimage

    bright = (pixels > threshold).astype(np.uint8)
    # 'nearest' repeats the border: it has as many voters as the middle
    votes = ndimage.convolve(bright, np.ones((3, 3), np.uint8), mode="nearest")
    return ~ndimage.binary_fill_holes(votes >= 5)


def fit(image: np.ndarray, size: int, spacing: tuple[float, float] | None = None) -> np.ndarray:
    """float32 (H, W) in [0, 1] -> float32 (size, size): longest side scaled to ``size``, zeros around,
    centred.

    spacing: mm per row and column; pixels that are not square are made so. Shrinking uses Pillow's Hamming
    window: antialiased like an area average and, unlike Lanczos, without negative lobes, so no dark ring at
    the edge of the body and no value outside [0, 1]; enlarging is bilinear.
    """
    from PIL import Image

    height, width = _extent(image.shape, spacing)
    scale = size / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    if (rows, columns) != image.shape:
        shrinks = rows < image.shape[0] or columns < image.shape[1]
        kernel = Image.Resampling.HAMMING if shrinks else Image.Resampling.BILINEAR
        resized = Image.fromarray(np.ascontiguousarray(image, dtype=np.float32)).resize(
            (columns, rows), kernel
        )
        image = np.asarray(resized)
    canvas = np.zeros((size, size), dtype=np.float32)
    top, left = (size - rows) // 2, (size - columns) // 2
    canvas[top : top + rows, left : left + columns] = image
    return canvas


def _extent(shape: tuple[int, ...], spacing: tuple[float, float] | None) -> tuple[float, float]:
    height, width = (n * mm for n, mm in zip(shape, spacing or (1.0, 1.0), strict=True))
    return height, width


def prepare_volume(volume: Volume, size: int) -> PreparedVolume:
    """Window, resize and quantise one volume; constant and near-empty slices are dropped with their reason.

    Where the volume's ``foreground`` is ``threshold``, what is ``outside`` becomes 0 first; ``cleared`` in the
    manifest is how many pixels that changed. ``mm_per_pixel`` is the side of a pixel of the result.
    Raises DataError, naming subject and source, for NaN or infinite pixels and for images below 8 pixels a
    side.
    """
    _check(volume)
    found = window(volume.pixels)
    low, high = found or (0.0, 1.0)
    spacing = volume.spacing[1:] if volume.spacing else None
    slices: list[SliceRecord] = []
    dropped: list[dict[str, Any]] = []
    levels = _levels(volume.pixels) if volume.foreground == "threshold" else None
    cleared = 0
    for index, read in enumerate(volume.pixels):
        pixels = read
        if levels:
            air = outside(read, levels[1])
            cleared += int(np.count_nonzero(read[air] > low))
            # to the low end of the window, which becomes 0 with the rest
            pixels = np.where(air, low, read)
        reason = _unusable(pixels, low, constant_volume=found is None)
        if reason:
            dropped.append(
                {"subject": volume.subject, "source": volume.source, "slice": index, "reason": reason}
            )
            continue
        unit = np.clip((pixels - low) / (high - low), 0, 1)
        image = np.rint(fit(unit, size, spacing) * 255).astype(np.uint8)
        origin = hashlib.sha256(np.ascontiguousarray(read).tobytes()).digest()
        slices.append(SliceRecord(image, volume.subject, index, volume.source, origin))
    note = {
        "subject": volume.subject,
        "source": volume.source,
        "low": low,
        "high": high,
        "spacing": volume.spacing,
        "mm_per_pixel": max(_extent(volume.pixels.shape[1:], spacing)) / size if spacing else None,
        "foreground": volume.foreground,
        "cleared": cleared,
        "slices": len(volume.pixels),
        "contrast": volume.contrast,
        "units": volume.units,
        "plane": volume.plane,
    }
    return PreparedVolume(slices, note, dropped)


def _check(volume: Volume) -> None:
    where = f"Subject {volume.subject}, {volume.source}"
    if volume.pixels.ndim != 3 or volume.pixels.size == 0:
        raise DataError(f"{where}: no image (shape {volume.pixels.shape}); remove or replace it.")
    if min(volume.pixels.shape[1:]) < MIN_SIDE:
        shape = "x".join(map(str, volume.pixels.shape[1:]))
        raise DataError(f"{where}: the image is {shape} pixels, below {MIN_SIDE}x{MIN_SIDE}; remove it.")
    bad = int(np.count_nonzero(~np.isfinite(volume.pixels)))
    if bad:
        raise DataError(
            f"{where}: {bad} pixels are NaN or infinite; replace them (for example by 0) or remove it."
        )


def _unusable(pixels: np.ndarray, low: float, constant_volume: bool) -> str | None:
    if constant_volume or pixels.max() == pixels.min():
        return "constant"
    if np.count_nonzero(pixels > low) < MIN_AREA * pixels.size:
        return f"less than {MIN_AREA:.0%} of the area is foreground"
    return None
