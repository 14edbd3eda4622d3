"""From a file or folder to volumes: find the files, ask who each belongs to, read each in its format."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mribench.data.readers import dicom, hdf5, image, metaimage, nifti
from mribench.data.readers.npz import read_npz
from mribench.data.readers.orientation import Slices
from mribench.data.readers.subjects import METADATA, subjects_of
from mribench.data.volume import Volume
from mribench.errors import DataError

FORMATS = "NPZ, PNG, JPEG, TIFF, NIfTI (.nii, .nii.gz), MetaImage (.mha), HDF5 (.h5, .mat) or DICOM"
# not known to the formats, only to the card: MR has no units, CT is in HU
STORED = "as stored (scl_slope applied)"
GRIDS = {"nifti": nifti.read_nifti, "metaimage": metaimage.read_metaimage}
# formats whose files name their patient
PATIENTS = {"dicom": dicom.read_patient, "hdf5": hdf5.read_patient}
SUFFIXES = {
    "npz": (".npz",),
    "image": image.SUFFIXES,
    "nifti": nifti.SUFFIXES,
    "metaimage": metaimage.SUFFIXES,
    "hdf5": hdf5.SUFFIXES,
    "dicom": dicom.SUFFIXES,
}
# images that a folder may well hold but that no reader here takes: silence would lose subjects
UNSUPPORTED = (
    ".nrrd",
    ".npy",
    ".pkl",
    ".gif",
    ".webp",
    ".czi",
    ".lif",
)


def find_files(path: Path, include: str | None = None) -> list[Path]:
    """Every image file under ``path`` (or itself), sorted; hidden files and files of no image format are
    left out.

    include: only files that match this glob (``**/images/*.tif``).

    Raises DataError for a broken link, for a format that cannot be read, and where nothing is found.
    """
    if path.is_file():
        return [path]
    found = [
        Path(folder) / name
        for folder, folders, names in os.walk(path)
        if not _hide(folders)
        for name in names
        if not name.startswith(".") and name != METADATA
    ]
    if include:
        chosen = set(path.glob(include))
        found = [file for file in found if file in chosen]
    files = sorted(
        (file for file in found if _kind(file, path)), key=lambda f: f.relative_to(path).as_posix()
    )
    if not files:
        raise DataError(f"{path.name} holds no image; expected {FORMATS}.")
    return files


def companions(path: Path, files: Sequence[Path]) -> list[Path]:
    """Files that change what is read without being images: metadata.csv, and the pixels of Analyze headers and
    of MetaImage headers (.mhd).
    """
    beside = [file.with_suffix(".img") for file in files if file.suffix == ".hdr"]
    beside += [raw for file in files if file.suffix == ".mhd" and (raw := metaimage.data_file(file))]
    root = path if path.is_dir() else path.parent
    return [file for file in [root / METADATA, *beside] if file.is_file()]


def read_volumes(
    path: Path, files: Sequence[Path], pattern: str | None = None, ask: bool = False
) -> Iterator[Volume]:
    """Volumes of ``files`` under ``path``, subject by subject; one is in memory at a time.

    Images of one subject in one folder with one size are one volume, ordered by slice number or name.
    pattern: see ``subjects_of``; ask: subjects are told by the files themselves (PatientID), whatever the folders
    are called. Raises DataError where a file cannot be read or has no subject.
    """
    root = path if path.is_dir() else path.parent
    kinds = {file.relative_to(root).as_posix(): _kind(file, root) for file in files}
    for name in [name for name, kind in kinds.items() if kind == "npz"]:
        yield from read_npz(root / name)
    owners = _owners(root, {name: kind for name, kind in kinds.items() if kind != "npz"}, pattern, ask)
    groups: dict[tuple[str, str], list[str]] = {}
    for name, (subject, _) in owners.items():
        groups.setdefault((subject, str(kinds[name])), []).append(name)
    for (subject, kind), names in sorted(groups.items()):
        if kind == "dicom":
            yield from dicom.read_series({name: root / name for name in names}, subject)
        elif kind in GRIDS:
            for name in names:
                yield _grid(GRIDS[kind](root / name, name), subject, name)
        elif kind == "hdf5":
            for name in names:
                yield hdf5.read_hdf5(root / name, name, subject)
        else:
            yield from _stacks(root, {name: owners[name][1] for name in names}, subject)


def _grid(read: Slices, subject: str, name: str) -> Volume:
    source, contrast = f"{name}:{read.plane}", nifti.contrast_of(name)
    return Volume(subject, read.pixels, read.spacing, source, contrast, STORED, read.named)


def _owners(
    root: Path, kinds: dict[str, str | None], pattern: str | None, ask: bool
) -> dict[str, tuple[str, int | None]]:
    names = list(kinds)
    told = pattern is not None or (root / METADATA).is_file() or any("/" in name for name in names)
    mute = next((name for name, kind in kinds.items() if kind not in PATIENTS), None)
    if ask and mute:
        raise DataError(
            f"{mute} has a format that names no patient, and the card takes subjects from the files themselves; "
            "move it out of the folder, or give the card an include pattern."
        )
    if kinds and (ask or (not told and mute is None)):
        return {name: (PATIENTS[str(kind)](root / name, name), None) for name, kind in kinds.items()}
    return subjects_of(root, names, pattern) if names else {}


def _stacks(root: Path, numbers: dict[str, int | None], subject: str) -> Iterator[Volume]:
    """Images of one subject as volumes, per folder and image size; a multi-page file is one by itself."""
    ordered = sorted(numbers, key=lambda name: (os.path.dirname(name), numbers[name] or 0, _natural(name)))
    groups: dict[tuple[str, tuple[int, ...]], list[np.ndarray]] = {}
    for name in ordered:
        pages = image.read_image(root / name, name)
        where = name if len(pages) > 1 else os.path.dirname(name) or "."
        groups.setdefault((where, pages.shape[1:]), []).append(pages)
    for (where, _), pages in groups.items():
        yield Volume(subject, np.concatenate(pages), None, where)


def _natural(name: str) -> list[str | int]:
    """Sorts slice_2 before slice_10."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))]


def _kind(file: Path, root: Path) -> str | None:
    """One of SUFFIXES, or None for a file that is no image."""
    name = file.name.lower()
    label = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
    if name.endswith(UNSUPPORTED):
        raise DataError(f"{label} has a format that is not read; convert it to {FORMATS}.")
    kind = next((kind for kind, suffixes in SUFFIXES.items() if name.endswith(suffixes)), None)
    if kind and not file.exists():
        raise DataError(f"{label} is a broken link; fetch what it points to (`git annex get`) or remove it.")
    # scanners name files IM0001 or after a UID, 1.2.840.113619
    if (
        kind is None
        and file.exists()
        and file.suffix[1:].isdigit() | (not file.suffix)
        and dicom.is_dicom(file)
    ):
        return "dicom"
    return kind


def _hide(folders: list[str]) -> bool:
    """Keeps os.walk out of hidden folders; always False."""
    folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
    return False
