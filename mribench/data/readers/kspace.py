"""k-space in HDF5: fastMRI's layout, and readouts of ISMRMRD in their order on a Cartesian grid."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from mribench.errors import DataError

FASTMRI = "kspace"
ISMRMRD = ("dataset/data", "dataset/xml")
# flags of readouts that are no part of the image (ismrmrd.h), counted from 1: noise, parallel calibration, navigators,
# phase correction, feedback, dummies, surface coils
NO_IMAGE = (19, 20, 23, 24, 26, 27, 28, 29)
REVERSED = 22  # flag of a readout from right to left
# counters of which the first value is read; the slice and the line remain
FIRST_OF = ("kspace_encode_step_2", "contrast", "phase", "repetition", "set")


def of_fastmri(data: Any, name: str) -> Iterator[np.ndarray]:
    """complex64 (coils, rows, columns) of each slice of (slices, coils, rows, columns) or (slices, rows, columns)."""
    if data.dtype.kind != "c" or data.ndim not in (3, 4) or not data.size:
        raise DataError(
            f"{name}: {data.name} has shape {data.shape} and type {data.dtype}; expected complex numbers (slices, "
            "coils, H, W) or (slices, H, W)."
        )
    for found in data:
        found = np.asarray(found, np.complex64)
        yield found if found.ndim == 3 else found[None]


def of_ismrmrd(data: Any, root: Any, name: str) -> Iterator[np.ndarray]:
    """complex64 (coils, readout, lines) of each slice of an ISMRMRD file: of its first phase, contrast, set and
    repetition, a mean over averages.

    Args:
        data: The data set ``dataset/data``.
        root: See ``header``.
        name: Of the file, for messages.

    Raises:
        DataError: Where it is not Cartesian, or has a second direction of phase encoding.
    """
    encoding = root.find("{*}encoding")
    if encoding is None:
        raise DataError(f"{name} has a header without an encoding; fetch it again.")
    trajectory = (encoding.findtext("{*}trajectory") or "cartesian").strip()
    if trajectory != "cartesian":
        raise DataError(f"{name} is measured along a {trajectory} trajectory, expected cartesian; remove it.")
    heads = data.fields("head")[:]
    index = heads["idx"]
    left_out = sum(np.uint64(1) << np.uint64(flag - 1) for flag in NO_IMAGE)
    wanted = (heads["flags"] & np.uint64(left_out)) == 0
    if not wanted.any():
        raise DataError(f"{name} holds no readout of an image; fetch it again.")
    if np.unique(index["kspace_encode_step_2"][wanted]).size > 1:
        raise DataError(f"{name} is encoded in three dimensions, expected slices; remove it.")
    for counter in FIRST_OF:
        wanted &= index[counter] == index[counter][wanted].min()
    lines = index["kspace_encode_step_1"].astype(int)
    middle = encoding.findtext("{*}encodingLimits/{*}kspace_encoding_step_1/{*}center")
    n = max(int(encoding.findtext("{*}encodedSpace/{*}matrixSize/{*}y") or 0), lines[wanted].max() + 1)
    lines += n // 2 - int(middle or n // 2)
    if lines[wanted].min() < 0 or lines[wanted].max() >= n:
        raise DataError(f"{name} has lines outside its encoded matrix of {n}; fetch it again.")
    rows = max(
        int(encoding.findtext("{*}encodedSpace/{*}matrixSize/{*}x") or 0),
        int(heads["number_of_samples"].max()),
    )
    for slice in np.unique(index["slice"][wanted]):
        of_slice = np.flatnonzero(wanted & (index["slice"] == slice))
        found = np.zeros((int(heads["active_channels"][of_slice[0]]), rows, n), np.complex64)
        times = np.zeros(n)
        for at, numbers in zip(of_slice, data.fields("data")[of_slice], strict=True):
            _add(found, numbers, heads[at], rows, lines[at], name)
            times[lines[at]] += 1
        yield found / np.maximum(times, 1).astype(np.float32)


def _add(found: np.ndarray, numbers: Any, head: Any, rows: int, line: int, name: str) -> None:
    """Add a readout to its line; of an asymmetric echo the rest stays 0."""
    samples, coils = int(head["number_of_samples"]), int(head["active_channels"])
    if coils != len(found) or len(numbers) != 2 * samples * coils:
        raise DataError(
            f"{name} has a readout of {len(numbers)} numbers, expected {2 * samples * len(found)}."
        )
    readout = np.asarray(numbers, np.float32).view(np.complex64).reshape(coils, samples)
    centre = int(head["center_sample"])
    if int(head["flags"]) >> (REVERSED - 1) & 1:
        readout, centre = readout[:, ::-1], samples - 1 - centre
    first = min(max(rows // 2 - centre, 0), rows - samples)
    found[:, first : first + samples, line] += readout


def header(xml: Any) -> Any:
    """The root of an ISMRMRD header: a text, or an array of one."""
    return ET.fromstring(xml[()] if xml.shape == () else xml[0])


class FieldOfView(NamedTuple):
    """mm of the slices' thickness, of the lines and of the readout as they are encoded, and of what of it is kept."""

    slice: float
    lines: float
    readout: float
    kept: float


def field_of_view(root: Any) -> FieldOfView | None:
    """None where the header does not say it all."""
    encoded, kept = "encodedSpace", "reconSpace"
    asked = ((encoded, "z"), (encoded, "y"), (encoded, "x"), (kept, "x"))
    found = [
        root.findtext(f"{{*}}encoding/{{*}}{space}/{{*}}fieldOfView_mm/{{*}}{axis}") for space, axis in asked
    ]
    mm = [float(one or "nan") for one in found]
    return FieldOfView(*mm) if all(math.isfinite(one) and one > 0 for one in mm) else None
