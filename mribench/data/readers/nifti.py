"""NIfTI (and what else nibabel reads: MGH, Analyze pairs) as slices in the plane of acquisition."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mribench.data.readers.orientation import Plane, Slices, slices
from mribench.errors import DataError
from mribench.spec import ImageFile, Reader, Volume

MILLIMETRES = {"meter": 1000.0, "micron": 0.001}
BIDS = re.compile(r"_([A-Za-z0-9]+)\.(?:nii|nii\.gz)$")
# what nibabel raises for damaged files; MemoryError and OverflowError: a header claims more voxels than any machine
# holds, or fewer than none
DAMAGE = (OSError, EOFError, ValueError, TypeError, LookupError, MemoryError, OverflowError, zlib.error)


def read_nifti(path: Path, name: str, plane: Plane = "auto", frame: int = 0) -> Slices:
    """The slices of a file with their spacing (mm) and plane (see ``orientation.slices``).

    scl_slope and scl_inter are applied; lengths in metres or micrometres become millimetres. Of a 4-D image (time,
    channels, directions) one frame is read, counted along the fourth axis. An Analyze header without orientation counts
    as LAS, as SPM and nibabel take it. Raises DataError, naming ``name``, where nibabel cannot read it.
    """
    import nibabel as nib
    from nibabel.orientations import OrientationError
    from nibabel.spatialimages import HeaderDataError

    if path.suffix == ".hdr" and not path.with_suffix(".img").exists():
        raise DataError(f"{name} is a header without its pixels; put {path.stem}.img beside it.")
    try:
        return slices(*_load(path, name, frame), plane)
    except nib.filebasedimages.ImageFileError as error:
        raise DataError(f"{name} is not a NIfTI file{_pointer(path)}; fetch the real file.") from error
    except (*DAMAGE, HeaderDataError, OrientationError) as error:
        reason = str(error).splitlines()[0].replace(str(path), name) if str(error) else type(error).__name__
        raise DataError(f"{name} is damaged or cut off ({reason}); fetch or export it again.") from error


def contrast_of(name: str) -> str:
    """The suffix of a BIDS name (``sub-01_T1w.nii.gz`` is T1w), empty for any other name."""
    found = BIDS.search(name)
    return found[1] if found else ""


def _load(path: Path, name: str, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """(float32 (i, j, k), affine to RAS+ in mm)."""
    import nibabel as nib

    image = nib.load(path)
    if path.suffix in (".gz", ".mgz"):
        _check_gzip(path)
    # RGB and complex voxels are NumPy records, which have no order from dark to bright
    if image.get_data_dtype().fields:
        raise DataError(f"{name} holds colour or complex records; save one scalar channel.")
    if frame >= (image.shape[3] if len(image.shape) > 3 else 1):
        raise DataError(f"{name} has no frame {frame} (shape {image.shape}); take one that it has.")
    # sliced by nibabel, which reads one frame alone: a functional series has hundreds
    first = np.asarray(image.dataobj[(..., *(frame, 0, 0, 0)[: max(len(image.shape) - 3, 0)])])
    if first.dtype.kind not in "uif":
        raise DataError(f"{name} holds {first.dtype} voxels; save real numbers (the magnitude).")
    first = first.astype(np.float32).reshape(first.shape + (1,) * (3 - first.ndim))
    # MGH headers have no unit: they are in mm always
    unit = image.header.get_xyzt_units()[0] if hasattr(image.header, "get_xyzt_units") else "mm"
    return first, np.diag([*[MILLIMETRES.get(unit, 1.0)] * 3, 1.0]) @ image.affine


def _frames(path: Path) -> int:
    """Of a 4-D image: time, channels, directions. 1 for any other."""
    import nibabel as nib

    return math.prod(nib.load(path).shape[3:])


def _check_gzip(path: Path) -> None:
    """Read to the end, where the checksum is; nibabel stops after the last voxel.

    Raises OSError, EOFError or zlib.error.
    """
    with gzip.open(path) as stream:
        while stream.read(1 << 20):
            pass


def _pointer(path: Path) -> str:
    """Why a short text file bears an image's name: git-annex and git LFS leave pointers."""
    with path.open("rb") as stream:
        head = stream.read(200)
    if b"annex/objects" in head:
        return " but a git-annex pointer (run `git annex get` in its repository)"
    if head.startswith(b"version https://git-lfs"):
        return " but a git LFS pointer (run `git lfs pull` in its repository)"
    return ""


def _read(files: Sequence[ImageFile], subject: str) -> Iterator[Volume]:
    for file in files:
        volume = read_nifti(file.path, file.name, frame=file.frame).volume(
            subject, file.name, contrast_of(file.name)
        )
        frames = _frames(file.path)
        # a frame that a card names was asked for
        yield (
            replace(volume, note=f"the first of {frames} frames (4-D)")
            if frames > 1 and not file.frame
            else volume
        )


def _pixels_of_header(path: Path) -> list[Path]:
    return [path.with_suffix(".img")]


def _example(folder: Path) -> None:
    import nibabel as nib

    voxels = np.arange(12 * 10 * 3, dtype=np.int16).reshape(12, 10, 3)
    nib.save(nib.Nifti1Image(voxels, np.diag([1.0, 1.0, 4.0, 1.0])), folder / "example.nii.gz")


def _analyze_example(folder: Path) -> None:
    import nibabel as nib

    voxels = np.arange(12 * 10 * 3, dtype=np.int16).reshape(12, 10, 3)
    nib.save(nib.Nifti1Pair(voxels, np.diag([1.0, 1.0, 4.0, 1.0])), folder / "example.hdr")


NIFTI = Reader(
    name="nifti",
    title="NIfTI and MGH",
    suffixes=(".nii", ".nii.gz", ".mgz", ".mgh"),
    read=_read,
    example=_example,
)
ANALYZE = Reader(
    name="analyze",
    title="Analyze and NIfTI pairs",
    suffixes=(".hdr",),
    read=_read,
    companions=_pixels_of_header,
    example=_analyze_example,
)
