"""NIfTI (and what else nibabel reads: MGH, Analyze pairs) as slices in the plane of acquisition."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Literal

import numpy as np

from mribench.errors import DataError

SUFFIXES = (".nii", ".nii.gz", ".mgz", ".mgh", ".hdr")
Plane = Literal["auto", "sagittal", "coronal", "axial"]
PLANES = ("sagittal", "coronal", "axial")
# voxels this much longer along one axis mean that the slices were acquired across it
THICK = 1.5
# what nibabel raises for damaged files; MemoryError where a header claims more voxels than any machine holds
DAMAGE = (OSError, EOFError, ValueError, TypeError, LookupError, MemoryError, zlib.error)


def read_nifti(
    path: Path, name: str, plane: Plane = "auto"
) -> tuple[np.ndarray, tuple[float, float, float], str]:
    """(float32 (n_slices, H, W), spacing (mm) along those axes, plane); scl_slope and scl_inter are applied.

    The array is brought to the closest RAS+ orientation first. ``auto`` takes the plane of acquisition:
    across the axis whose voxels are at least 1.5 times longer than the others, axial where no axis is.
    Display is radiological: anterior or superior at the top; the patient's right on the left (axial,
    coronal), anterior on the left (sagittal). Of a 4-D image (time, channels, directions) the first frame
    is read. Raises DataError, naming ``name``, where nibabel cannot read it.
    """
    data, zooms = _load(path, name)
    axis = _thick_axis(zooms) if plane == "auto" else PLANES.index(plane)
    # RAS+ -> rows run down from superior (or anterior), columns from the patient's right (or anterior)
    rest = [i for i in range(3) if i != axis]
    columns, rows = rest
    pixels = np.flip(data.transpose(axis, rows, columns), axis=(1, 2))
    return np.ascontiguousarray(pixels), (zooms[axis], zooms[rows], zooms[columns]), PLANES[axis]


def _load(path: Path, name: str) -> tuple[np.ndarray, tuple[float, float, float]]:
    import nibabel as nib
    from nibabel.orientations import OrientationError
    from nibabel.spatialimages import HeaderDataError

    if path.suffix == ".hdr" and not path.with_suffix(".img").exists():
        raise DataError(f"{name} is a header without its pixels; put {path.stem}.img beside it.")
    try:
        image = nib.load(path)
        if image.get_data_dtype().fields:
            raise DataError(f"{name} holds colour or complex records; save one scalar channel.")
        first = np.asarray(image.dataobj[(..., *[0] * (len(image.shape) - 3))])
        if first.dtype.kind not in "uif":
            raise DataError(f"{name} holds {first.dtype} voxels; save real numbers (the magnitude).")
        first = first.astype(np.float32).reshape(first.shape + (1,) * (3 - first.ndim))
        canonical = nib.as_closest_canonical(nib.Nifti1Image(first, image.affine))
    except nib.filebasedimages.ImageFileError as error:
        raise DataError(f"{name} is not a NIfTI file{_pointer(path)}; fetch the real file.") from error
    except (*DAMAGE, HeaderDataError, OrientationError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{name} is damaged or cut off ({reason}); fetch or export it again.") from error
    zooms = tuple(float(z) for z in nib.affines.voxel_sizes(canonical.affine))
    return np.asarray(canonical.dataobj), zooms


def _thick_axis(zooms: tuple[float, float, float]) -> int:
    axis = int(np.argmax(zooms))
    others = [zoom for i, zoom in enumerate(zooms) if i != axis]
    return axis if zooms[axis] >= THICK * max(others) else 2


def _pointer(path: Path) -> str:
    """Why a short text file bears an image's name: git-annex and git LFS leave pointers."""
    with path.open("rb") as stream:
        head = stream.read(200)
    if b"annex/objects" in head:
        return " but a git-annex pointer (run `git annex get` in its repository)"
    if head.startswith(b"version https://git-lfs"):
        return " but a git LFS pointer (run `git lfs pull` in its repository)"
    return ""
