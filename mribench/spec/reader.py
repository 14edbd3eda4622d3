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
    """Slices that were acquired together and share one intensity scale: what a ``Reader`` yields."""

    subject: str
    """id of the person (or field of view) that they show; the unit of the split"""
    pixels: np.ndarray
    """float32 (n_slices, H, W), any range"""
    spacing: tuple[float, float, float] | None
    """mm along those three axes, None where unknown"""
    source: str
    """file or series they were read from, relative to the data set's folder; never a path of this machine"""
    contrast: str = ""
    """how they were acquired, as far as the file says (``T1w``, ``MR SE TE 14``)"""
    units: str = "as stored"
    """what a pixel value means"""
    plane: str = ""
    """sagittal, coronal or axial, with its tilt where it is oblique"""
    foreground: str = "none"
    """what a dataset card wants done with the air around the body; readers leave it alone"""


class ImageFile(NamedTuple):
    """One file that a ``Reader`` is asked to read."""

    path: Path
    name: str
    """relative to the data set's folder: what messages and ``Volume.source`` show"""
    slice: int | None = None
    """number of the slice, where the file's name or metadata.csv tells it"""


class ReadVolumes(Protocol):
    """What ``Reader.read`` does."""

    def __call__(self, files: Sequence[ImageFile], subject: str) -> Iterator[Volume]:
        """The volumes in all files of one subject, one in memory at a time.

        Raises DataError with one sentence, naming ``ImageFile.name``, where a file cannot be read.
        """
        ...


@dataclass(frozen=True)
class Reader:
    """A file format: which files are of it, and how they become volumes.

    Readers are imported as soon as any images are read, so libraries are imported inside the functions.
    """

    name: str
    """a dataset card may choose the reader by it"""
    title: str
    """the format as messages name it"""
    suffixes: tuple[str, ...]
    """lower case, with the dot (``.nii.gz``); the longest that fits a file's name decides"""
    read: ReadVolumes
    version: int = 1
    """raise it where the same file gives other pixels: sets are then prepared again"""
    recognises: Callable[[Path], bool] | None = None
    """recognises(path): whether a file without a telling suffix (``IM0001``) is of this format"""
    patient: Callable[[Path, str], str] | None = None
    """patient(path, name) -> pseudonym of the patient that the file names; None where the format names nobody"""
    companions: Callable[[Path], Sequence[Path]] | None = None
    """companions(path) -> further files that belong to the image, such as the voxels beside a header"""
    names_subjects: bool = False
    """one file holds images of several subjects: its volumes name them, and ``read`` is given an empty subject"""
    example: Callable[[Path], None] | None = None
    """example(folder) writes a small file of one subject there, which ``mribench plugin check`` reads"""
