"""HDF5: fastMRI's files (.h5) and MATLAB's since version 7.3 (.mat)."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mribench.data.readers.dicom import pseudonym
from mribench.errors import DataError
from mribench.spec import ImageFile, Reader, Volume

# fastMRI's names for reconstructed images: multi-coil, single-coil
RECONSTRUCTIONS = ("reconstruction_rss", "reconstruction_esc")
LAYOUTS = "reconstruction_rss or reconstruction_esc (fastMRI), or cjdata/image (MATLAB)"
DAMAGE = (OSError, ValueError, LookupError, TypeError, RuntimeError, MemoryError, ET.ParseError)


def read_hdf5(path: Path, name: str, subject: str) -> Volume:
    """The images of one file. fastMRI: ``reconstruction_rss`` (slices, H, W) with the field of view of its header;
    MATLAB: ``cjdata/image`` of Cheng's tumour set, one slice, transposed back from MATLAB's column order.

    Spacing is in mm, None where the file does not say. Raises DataError, naming ``name``, for other layouts, for
    k-space without images, for MATLAB files before 7.3, and for damage.
    """
    with _opened(path, name) as file:
        for key in RECONSTRUCTIONS:
            if _own(file, key):
                pixels = _array(file[key], name)
                contrast = str(file.attrs.get("acquisition", ""))
                return Volume(subject, pixels, _spacing(file), name, contrast, "magnitude, arbitrary")
        if _own(file, "cjdata/image"):
            pixels = np.ascontiguousarray(_array(file["cjdata/image"], name).transpose(0, 2, 1))
            return Volume(subject, pixels, None, name)
        found = ", ".join(sorted(file)[:5]) or "nothing"
        raise DataError(f"{name} holds {found}; expected {LAYOUTS}: save the images under such a name.")


def read_patient(path: Path, name: str) -> str:
    """Pseudonym of ``patient_id`` (fastMRI) or ``cjdata/PID`` (MATLAB); DataError where there is none."""
    with _opened(path, name) as file:
        patient = file.attrs.get("patient_id", "")
        if not patient and _own(file, "cjdata/PID"):
            # MATLAB stores text as numbers
            patient = "".join(chr(code) for code in np.asarray(file["cjdata/PID"]).ravel())
        patient = (patient.decode() if isinstance(patient, bytes) else str(patient)).strip()
    if not patient:
        raise DataError(f"{name} names no patient; put the files of each subject in a folder of its own.")
    return pseudonym(patient)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[Any]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except DAMAGE as error:
        with path.open("rb") as stream:
            # what .mat files of versions 5 to 7 begin with; 7.3 is HDF5
            old = stream.read(116).startswith(b"MATLAB 5.0")
        if old:
            raise DataError(f"{name} is a MATLAB file before version 7.3; save it with -v7.3.") from error
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise DataError(f"{name} is a damaged HDF5 file ({reason}); fetch it again.") from error


def _own(file: Any, key: str) -> bool:
    """True where the data set is in this file: a link of HDF5 may point to any other."""
    import h5py

    at = file
    for part in key.split("/"):
        if not isinstance(at, h5py.Group) or not isinstance(at.get(part, getlink=True), h5py.HardLink):
            return False
        at = at[part]
    return isinstance(at, h5py.Dataset) and not at.external and not at.is_virtual


def _array(dataset: Any, name: str) -> np.ndarray:
    """float32 (n, H, W)."""
    if dataset.dtype.kind not in "uif" or dataset.ndim not in (2, 3) or not dataset.size:
        raise DataError(
            f"{name}: {dataset.name} has shape {dataset.shape} and type {dataset.dtype}; expected real numbers "
            "(H, W) or (slices, H, W)."
        )
    pixels = np.asarray(dataset[()], dtype=np.float32)
    return pixels[None] if pixels.ndim == 2 else pixels


def _spacing(file: Any) -> tuple[float, float, float] | None:
    """mm between slices, rows and columns from the ISMRMRD header; rows run along the readout (x)."""
    if not _own(file, "ismrmrd_header"):
        return None
    root = ET.fromstring(file["ismrmrd_header"][()])
    # {*}: in any namespace
    space = root.find(".//{*}encoding/{*}reconSpace")
    if space is None:
        return None
    fields = [float(space.findtext(f"{{*}}fieldOfView_mm/{{*}}{axis}") or "nan") for axis in "zxy"]
    matrix = [float(space.findtext(f"{{*}}matrixSize/{{*}}{axis}") or "nan") for axis in "zxy"]
    if not all(math.isfinite(n) and n > 0 for n in fields + matrix):
        return None
    return tuple(mm / n for mm, n in zip(fields, matrix, strict=True))


def _read(files: Sequence[ImageFile], subject: str) -> Iterator[Volume]:
    for file in files:
        yield read_hdf5(file.path, file.name, subject)


def _example(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "example.h5", "w") as file:
        file["reconstruction_rss"] = np.arange(3 * 10 * 12, dtype=np.float32).reshape(3, 10, 12)
        file.attrs["patient_id"] = "example"


def _matlab_example(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "example.mat", "w") as file:
        file["cjdata/image"] = np.arange(10 * 12, dtype=np.int16).reshape(10, 12)
        file["cjdata/PID"] = np.frombuffer(b"example", np.uint8).astype(np.uint16)


HDF5 = Reader(
    name="hdf5",
    title="HDF5",
    suffixes=(".h5", ".hdf5"),
    read=_read,
    patient=read_patient,
    example=_example,
)
MATLAB = Reader(
    name="matlab",
    title="MATLAB since 7.3",
    suffixes=(".mat",),
    read=_read,
    patient=read_patient,
    example=_matlab_example,
)
