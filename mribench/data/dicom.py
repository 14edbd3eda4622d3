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
from mribench.data.volume import Volume
from mribench.errors import DataError

SUFFIXES = (".dcm", ".dicom", ".ima")
# what pydicom and its decoders raise for damaged files
DAMAGE = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, struct.error)


class Frames(NamedTuple):
    """One file. pixels: float32 (n, H, W) in real units; key: what the files of one volume share.

    order: (mm along the slice normal, InstanceNumber); spacing: as in Volume, 0 between slices where unknown.
    """

    pixels: np.ndarray
    key: tuple[Any, ...]
    order: tuple[float, float]
    spacing: tuple[float, float, float] | None
    inverted: bool


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
    and left out. A multi-frame file keeps its frame order.
    """
    groups: dict[tuple[Any, ...], list[Frames]] = {}
    for name in sorted(files):
        frames = read_frames(files[name], name)
        groups.setdefault(frames.key, []).append(frames)
    for key, group in groups.items():
        group.sort(key=lambda frames: frames.order)
        pixels = np.concatenate([frames.pixels for frames in group])
        if group[0].inverted:
            pixels = pixels.max() - pixels
        label = hashlib.sha256(repr(key).encode()).hexdigest()[:8]
        yield Volume(subject, pixels, group[0].spacing, f"series-{label}")


def read_frames(path: Path, name: str) -> Frames:
    """The pixels of one file in real units with its place in the series. DataError names ``name``."""
    with _told(name):
        dataset = _dataset(path)
        pixels = decode(dataset, name)
        orientation = _floats(dataset, "ImageOrientationPatient", 6)
        key = (
            str(getattr(dataset, "SeriesInstanceUID", "")),
            str(getattr(dataset, "EchoTime", "")),
            # rounded: the last digits differ between slices of one stack
            tuple(round(value, 2) + 0.0 for value in orientation or ()),
            pixels.shape[1:],
            str(dataset.PhotometricInterpretation),
        )
        inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
        return Frames(pixels, key, _order(dataset, orientation), _spacing(dataset), inverted)


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
                "install pylibjpeg[all], or decompress it (gdcmconv --raw)."
            ) from error
        raise DataError(f"{name} is a damaged DICOM file ({reason}); fetch or export it again.") from error


def _order(dataset: Any, orientation: list[float] | None) -> tuple[float, float]:
    number = float(getattr(dataset, "InstanceNumber", None) or 0)
    place = _floats(dataset, "ImagePositionPatient", 3)
    if orientation is None or place is None:
        return 0.0, number
    normal = np.cross(orientation[:3], orientation[3:])
    return round(float(normal @ place), 3), number


def _spacing(dataset: Any) -> tuple[float, float, float] | None:
    in_plane = _floats(dataset, "PixelSpacing", 2)
    if in_plane is None or min(in_plane) <= 0:
        return None
    through = getattr(dataset, "SpacingBetweenSlices", None) or getattr(dataset, "SliceThickness", None)
    return float(through or 0.0), in_plane[0], in_plane[1]


def _floats(dataset: Any, name: str, n: int) -> list[float] | None:
    values = getattr(dataset, name, None)
    return [float(value) for value in values] if values is not None and len(values) == n else None
