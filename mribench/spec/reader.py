"""File formats: what a reader is given and what it yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Volume:
    """Slices that were acquired together and share one intensity scale: what a reader yields."""

    subject: str  # id of the person (or field of view) that they show; the unit of the split
    pixels: np.ndarray  # float32 (n_slices, H, W), any range
    spacing: tuple[float, float, float] | None  # mm along those three axes, None where unknown
    source: str  # file or series, relative to the data set's folder; never a path of this machine
    contrast: str = ""  # how they were acquired, as far as the file says: ``T1w``, ``MR SE TE 14``
    units: str = "as stored"  # what a pixel value means
    plane: str = ""  # sagittal, coronal or axial, with its tilt where it is oblique
    foreground: str = "none"  # what a card does with the air around the body; readers leave it alone
    note: str = ""  # what the pixels leave out of the file: "the first of 120 frames", "luminance of colour"


class ImageFile(NamedTuple):
    """One file to read."""

    path: Path
    name: str  # relative to the data set's folder: what messages and ``Volume.source`` show
    slice: int | None = None  # number of the slice, where the file's name or metadata.csv gives it
    frame: int = 0  # of a 4-D image, for readers that have such
    image: Path | None = (
        None  # the image that ``path``, a field of it, is read in place of, under the image's name
    )


class ReadVolumes(Protocol):
    """The volumes in all files of one subject, one in memory at a time.

    Raises DataError with one sentence that names ``ImageFile.name`` where a file cannot be read.
    """

    def __call__(self, files: Sequence[ImageFile], subject: str) -> Iterator[Volume]: ...


class ReadKSpace(Protocol):
    """The raw k-space of one file, a slice at a time in the order of its volume; nothing of a file without.

    Yields complex64 (coils, rows, columns), zero frequency in the middle. Columns are lines of phase encoding; what was
    not measured is 0. Its inverse Fourier transform, cut or filled up around the middle, has the pixels of the image.

    Raises DataError with one sentence that names ``name`` where the file cannot be read.
    """

    def __call__(self, path: Path, name: str, /) -> Iterator[np.ndarray]: ...


@dataclass(frozen=True)
class Reader:
    """A file format: which files are of it, and how they become volumes.

    Readers are imported as soon as any images are read, so import libraries inside the functions.
    """

    name: str  # a dataset card may choose the reader by it
    title: str  # the format as messages name it
    suffixes: tuple[str, ...]  # lower case, with the dot: ``.nii.gz``; the longest that fits a file decides
    read: ReadVolumes
    version: int = 1  # raise it where the same file gives other pixels: sets are then prepared again
    recognises: Callable[[Path], bool] | None = None  # for files without a telling suffix, such as ``IM0001``
    patient: Callable[[Path, str], str] | None = None  # (path, name) -> pseudonym of the patient in the file
    companions: Callable[[Path], Sequence[Path]] | None = None  # other files of the image: voxels of a header
    names_subjects: bool = False  # a file has several subjects: volumes name them, ``read`` is given ""
    kspace: ReadKSpace | None = None  # of files that hold what the scanner measured beside the images
    example: Callable[[Path], None] | None = None  # writes a small file of one subject to a folder, for tests
