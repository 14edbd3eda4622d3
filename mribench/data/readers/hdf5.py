"""HDF5: fastMRI's files and ISMRMRD's (.h5), and MATLAB's since version 7.3 (.mat)."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mribench.data import coils
from mribench.data.readers import kspace
from mribench.data.readers.dicom import pseudonym
from mribench.errors import DataError
from mribench.spec import ImageFile, Reader, Volume

# fastMRI's names for reconstructed images: multi-coil, single-coil
RECONSTRUCTIONS = ("reconstruction_rss", "reconstruction_esc")
LAYOUTS = "reconstruction_rss, reconstruction_esc or kspace (fastMRI), dataset/data (ISMRMRD), or cjdata/image (MATLAB)"
DAMAGE = (OSError, ValueError, LookupError, TypeError, RuntimeError, MemoryError, ET.ParseError)


def read_hdf5(path: Path, name: str, subject: str) -> Volume:
    """The images of one file. fastMRI: ``reconstruction_rss`` (slices, H, W) with the field of view of its header, or
    ``reconstruction_esc`` beside the k-space of a single coil; MATLAB: ``cjdata/image`` of Cheng's tumour set, one
    slice, transposed back from MATLAB's column order. k-space without images, fastMRI's or ISMRMRD's: the root of the
    sum of squares of its coil images.

    Spacing is in mm, None where the file does not say. Raises DataError, naming ``name``, for other layouts, for
    k-space of which lines are missing, for MATLAB files before 7.3, and for damage.
    """
    with _opened(path, name) as file:
        for key in _reconstructions(file):
            if _own(file, key):
                pixels = _array(file[key], name)
                contrast = str(file.attrs.get("acquisition", ""))
                return Volume(subject, pixels, _spacing(file), name, contrast, "magnitude, arbitrary")
        if _own(file, "cjdata/image"):
            pixels = np.ascontiguousarray(_array(file["cjdata/image"], name).transpose(0, 2, 1))
            return Volume(subject, pixels, None, name)
        if _own(file, kspace.FASTMRI) or all(_own(file, key) for key in kspace.ISMRMRD):
            contrast = str(file.attrs.get("acquisition", ""))
            return Volume(subject, *_of_kspace(file, name), name, contrast, "magnitude, arbitrary")
        found = ", ".join(sorted(file)[:5]) or "nothing"
        raise DataError(f"{name} holds {found}; expected {LAYOUTS}: save the images under such a name.")


def read_kspace(path: Path, name: str) -> Iterator[np.ndarray]:
    """As ``mribench.spec.reader.ReadKSpace``: fastMRI's ``kspace``, or the readouts of an ISMRMRD file."""
    with _opened(path, name) as file:
        yield from _kspace(file, name)


def read_patient(path: Path, name: str) -> str:
    """Pseudonym of ``patient_id`` (fastMRI), ``patientID`` (ISMRMRD) or ``cjdata/PID`` (MATLAB); DataError where there
    is none."""
    with _opened(path, name) as file:
        patient = file.attrs.get("patient_id", "")
        if not patient and _own(file, kspace.ISMRMRD[1]):
            patient = kspace.header(file[kspace.ISMRMRD[1]]).findtext(".//{*}patientID") or ""
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


def _reconstructions(file: Any) -> Sequence[str]:
    """fastMRI's names, first that of the image of the file's own k-space."""
    is_single = _own(file, kspace.FASTMRI) and file[kspace.FASTMRI].ndim == 3
    return RECONSTRUCTIONS[::-1] if is_single else RECONSTRUCTIONS


def _kspace(file: Any, name: str) -> Iterator[np.ndarray]:
    """Nothing where the file has none."""
    if _own(file, kspace.FASTMRI):
        yield from kspace.of_fastmri(file[kspace.FASTMRI], name)
    elif all(_own(file, key) for key in kspace.ISMRMRD):
        data, xml = (file[key] for key in kspace.ISMRMRD)
        yield from kspace.of_ismrmrd(data, kspace.header(xml), name)


def _of_kspace(file: Any, name: str) -> tuple[np.ndarray, tuple[float, float, float] | None]:
    """Images, float32 (slices, H, W), without the oversampling of the readout, and their spacing."""
    xml = next((file[key] for key in ("ismrmrd_header", kspace.ISMRMRD[1]) if _own(file, key)), None)
    mm = kspace.field_of_view(kspace.header(xml)) if xml is not None else None
    images = []
    for slice in _kspace(file, name):
        coils.check_sampling(slice, name)
        rows, columns = slice.shape[1:]
        kept = round(rows * mm.kept / mm.readout) if mm else rows
        found = coils.around_the_middle(coils.coil_images(slice), (kept, columns))
        images.append(np.sqrt(np.square(np.abs(found)).sum(0)))
    spacing = (mm.slice, mm.readout / rows, mm.lines / columns) if mm else None
    return np.stack(images), spacing


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
    kspace=read_kspace,
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
