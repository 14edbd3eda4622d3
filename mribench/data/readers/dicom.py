"""DICOM through pydicom: files of one series become volumes, sorted along the slice normal."""

from __future__ import annotations

import hashlib
import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mribench.data.readers.dicom_header import FramePlane, contrast_of, planes_of, units_of
from mribench.data.readers.image import IMAGE, luminance, read_image
from mribench.data.readers.orientation import PLANES
from mribench.errors import DataError
from mribench.spec import ImageFile, Reader, Volume

# what pydicom and its decoders raise for damaged files
DAMAGE = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, struct.error)


class Frames(NamedTuple):
    """Frames of one file in one plane."""

    pixels: np.ndarray
    """float32 (n, H, W) in real units"""
    key: tuple[Any, ...]
    """equal for frames of one volume"""
    order: tuple[float, float]
    """(mm along the slice normal, InstanceNumber)"""
    spacing: tuple[float, float, float] | None
    """as in ``Volume``, 0 between slices where unknown"""
    inverted: bool
    """MONOCHROME1: 0 is white"""
    contrast: str
    units: str


def is_dicom(path: Path) -> bool:
    """True where the file carries the DICM mark after its 128-byte preamble."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def pseudonym(patient_id: str) -> str:
    """12 hex digits of sha256: PatientID is never stored in clear.

    This is a pseudonym and not anonymity: with a list of ids anyone can hash them.
    """
    return hashlib.sha256(patient_id.encode()).hexdigest()[:12]


def read_patient(path: Path, name: str) -> str:
    """Pseudonym of the file's PatientID; DataError where it is missing or empty."""
    with _one_sentence(name):
        patient = str(getattr(_dataset(path, pixels=False), "PatientID", "") or "").strip()
    if not patient:
        raise DataError(f"{name} has no PatientID; put the files of each subject in a folder of its own.")
    return pseudonym(patient)


def read_series(
    files: Mapping[str, Path], subject: str, beside: Mapping[str, Path] | None = None
) -> Iterator[Volume]:
    """Volumes of one subject. files: name -> path; beside: the plain image that is read in place of a file's pixels.

    Files are grouped by SeriesInstanceUID, EchoTime, orientation and matrix (a scout series holds several
    planes), and sorted by ImagePositionPatient along the normal, then InstanceNumber. Rescale slope and
    intercept are applied, MONOCHROME1 is inverted, colour becomes luminance; VOI windows are for display
    and left out. A multi-frame file keeps its frame order; where its frames have several orientations, each is a
    volume.
    """
    groups: dict[tuple[Any, ...], list[Frames]] = {}
    for name in sorted(files):
        found = read_frames(files[name], name)
        if beside and name in beside:
            found = [_replaced(frames, beside[name], name) for frames in found]
        for frames in found:
            groups.setdefault(frames.key, []).append(frames)
    for key, group in groups.items():
        group.sort(key=lambda frames: frames.order)
        pixels = np.concatenate([frames.pixels for frames in group])
        if group[0].inverted:
            # by the maximum of the volume: by that of each slice, slices would differ in brightness
            pixels = pixels.max() - pixels
        label = hashlib.sha256(repr(key).encode()).hexdigest()[:8]
        first = group[0]
        plane = _plane(key[2])
        photometric = key[-1]
        note = "" if photometric.startswith("MONOCHROME") else f"luminance of {photometric} pixels"
        yield Volume(
            subject, pixels, first.spacing, f"series-{label}", first.contrast, first.units, plane, note=note
        )


def _replaced(frames: Frames, file: Path, name: str) -> Frames:
    """The pixels of another file at the frames' place in the series."""
    pixels = read_image(file, name)
    if pixels.shape != frames.pixels.shape:
        raise DataError(
            f"{file.name} beside {name} has shape {pixels.shape}, the image {frames.pixels.shape}."
        )
    return frames._replace(pixels=pixels, inverted=False)


def read_frames(path: Path, name: str) -> list[Frames]:
    """The pixels of one file in real units with their place in the series, per orientation of its frames.

    Raises DataError, naming ``name``.
    """
    with _one_sentence(name):
        dataset = _dataset(path)
        pixels = decode(dataset, name)
        planes = planes_of(dataset, len(pixels))
        return [_frames(dataset, pixels[plane.rows], plane) for plane in planes]


def _frames(dataset: Any, pixels: np.ndarray, plane: FramePlane) -> Frames:
    photometric = str(dataset.PhotometricInterpretation)
    key = (
        str(getattr(dataset, "SeriesInstanceUID", "")),
        # the echoes of one acquisition may share a series and a position
        str(getattr(dataset, "EchoTime", "")),
        # rounded: the last digits differ between slices of one stack
        tuple(round(value, 2) + 0.0 for value in plane.orientation or ()),
        pixels.shape[1:],
        photometric,
    )
    # alone it orders the slices of files without a position, in which every position counts as 0
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
    # none in a classic file; in a broken one not as many as frames
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
    # an empty tag reads as None, and a slope of 0 would leave no image
    return default or (float(slope or 1), float(intercept or 0))


def _dataset(path: Path, pixels: bool = True) -> Any:
    import pydicom

    return pydicom.dcmread(path, stop_before_pixels=not pixels)


@contextmanager
def _one_sentence(name: str) -> Iterator[None]:
    """Turn whatever pydicom raises, also late (it parses an element on first use), into one sentence."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        with warnings.catch_warnings():
            # pydicom warns of every value against the standard, and scanners write many
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


def _read(files: Sequence[ImageFile], subject: str) -> Iterator[Volume]:
    plain = {file.name: file.path for file in files if file.image and file.path.suffix in IMAGE.suffixes}
    paths = {file.name: (file.image if file.name in plain else file.path) or file.path for file in files}
    return read_series(paths, subject, plain)


def _example(folder: Path) -> None:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

    pixels = np.arange(10 * 12, dtype=np.uint16).reshape(10, 12)
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, generate_uid()
    image.PatientID, image.Modality = "example", "MR"
    image.PixelSpacing, image.SliceThickness = [1.0, 1.0], 4.0
    image.set_pixel_data(pixels, "MONOCHROME2", 16)
    image.save_as(folder / "example.dcm", enforce_file_format=True)


DICOM = Reader(
    name="dicom",
    title="DICOM",
    suffixes=(".dcm", ".dicom", ".ima"),
    read=_read,
    recognises=is_dicom,
    patient=read_patient,
    example=_example,
)
