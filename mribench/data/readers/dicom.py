"""DICOM through pydicom: files of one series become volumes, sorted along the slice normal."""

from __future__ import annotations

import hashlib
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mribench.data.dicom_pixels import decode
from mribench.data.readers.dicom_header import FramePlane, contrast_of, planes_of, units_of
from mribench.data.readers.orientation import PLANES
from mribench.data.volume import Volume
from mribench.errors import DataError

SUFFIXES = (".dcm", ".dicom", ".ima")
# what pydicom and its decoders raise for damaged files
DAMAGE = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, struct.error)


class Frames(NamedTuple):
    """Frames of one file in one plane. pixels: float32 (n, H, W) in real units; key: what one volume shares.

    order: (mm along the slice normal, InstanceNumber); spacing: as in Volume, 0 between slices where unknown;
    contrast, units: as in Volume.
    """

    pixels: np.ndarray
    key: tuple[Any, ...]
    order: tuple[float, float]
    spacing: tuple[float, float, float] | None
    inverted: bool
    contrast: str
    units: str


def is_dicom(path: Path) -> bool:
    """True where the file carries the DICM mark after its 128-byte preamble."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def pseudonym(patient_id: str) -> str:
    """12 hex digits of sha256: PatientID is never stored in clear.

    A pseudonym and no anonymity: whoever has a list of ids can hash it.
    """
    return hashlib.sha256(patient_id.encode()).hexdigest()[:12]


def read_patient(path: Path, name: str) -> str:
    """Pseudonym of the file's PatientID; DataError where it is missing or empty."""
    with _told(name):
        patient = str(getattr(_dataset(path, pixels=False), "PatientID", "") or "").strip()
    if not patient:
        raise DataError(f"{name} has no PatientID; put the files of each subject in a folder of its own.")
    return pseudonym(patient)


def read_series(files: Mapping[str, Path], subject: str) -> Iterator[Volume]:
    """Volumes of one subject. files: name -> path.

    Files are grouped by SeriesInstanceUID, EchoTime, orientation and matrix (a scout series holds several
    planes), and sorted by ImagePositionPatient along the normal, then InstanceNumber. Rescale slope and
    intercept are applied, MONOCHROME1 is inverted, colour becomes luminance; VOI windows are for display
    and left out. A multi-frame file keeps its frame order; where its frames have several orientations, each is a
    volume.
    """
    groups: dict[tuple[Any, ...], list[Frames]] = {}
    for name in sorted(files):
        for frames in read_frames(files[name], name):
            groups.setdefault(frames.key, []).append(frames)
    for key, group in groups.items():
        group.sort(key=lambda frames: frames.order)
        pixels = np.concatenate([frames.pixels for frames in group])
        if group[0].inverted:
            pixels = pixels.max() - pixels
        label = hashlib.sha256(repr(key).encode()).hexdigest()[:8]
        first = group[0]
        plane = _plane(key[2])
        yield Volume(subject, pixels, first.spacing, f"series-{label}", first.contrast, first.units, plane)


def read_frames(path: Path, name: str) -> list[Frames]:
    """The pixels of one file in real units with their place in the series, per orientation of its frames.

    Raises DataError, naming ``name``.
    """
    with _told(name):
        dataset = _dataset(path)
        pixels = decode(dataset, name)
        planes = planes_of(dataset, len(pixels))
        return [_frames(dataset, pixels[plane.rows], plane) for plane in planes]


def _frames(dataset: Any, pixels: np.ndarray, plane: FramePlane) -> Frames:
    photometric = str(dataset.PhotometricInterpretation)
    key = (
        str(getattr(dataset, "SeriesInstanceUID", "")),
        str(getattr(dataset, "EchoTime", "")),
        # rounded: the last digits differ between slices of one stack
        tuple(round(value, 2) + 0.0 for value in plane.orientation or ()),
        pixels.shape[1:],
        photometric,
    )
    number = float(getattr(dataset, "InstanceNumber", None) or 0)
    order = (plane.position, number)
    inverted = photometric == "MONOCHROME1"
    return Frames(pixels, key, order, plane.spacing, inverted, contrast_of(dataset), units_of(dataset))


def _plane(orientation: tuple[float, ...]) -> str:
    """The plane of the body that a slice is nearest to; empty where the file does not say."""
    if not orientation:
        return ""
    normal = np.abs(np.cross(orientation[:3], orientation[3:]))
    return PLANES[int(np.argmax(normal))]


def _dataset(path: Path, pixels: bool = True) -> Any:
    import pydicom

    return pydicom.dcmread(path, stop_before_pixels=not pixels)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Say what is wrong with a file in one sentence. pydicom parses an element when it is first asked for."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InvalidDicomError as error:
        raise DataError(f"{name} has no DICOM header (DICM mark); convert or fetch it again.") from error
    except (*DAMAGE, BytesLengthException, StopIteration) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".: ")
        if "missing dependencies" in str(error):
            raise DataError(
                f"{name} is compressed in a way that no installed decoder reads ({reason}); "
                "install mribench[dicom], or decompress it (gdcmconv --raw)."
            ) from error
        raise DataError(f"{name} is a damaged DICOM file ({reason}); fetch or export it again.") from error
