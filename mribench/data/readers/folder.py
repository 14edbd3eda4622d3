"""From a file or folder to volumes: find the image files, find the subject of each, read each in its format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mribench.data.globs import ALL_FILES, Globs
from mribench.data.readers.subjects import METADATA, subjects_of
from mribench.data.readers.table import table
from mribench.errors import DataError
from mribench.spec import ImageFile, Reader, Volume


def find_files(
    path: Path, include: str | None = None, reader: str | None = None, globs: Globs = ALL_FILES
) -> list[Path]:
    """Every image file under ``path`` (or itself), sorted; hidden files and files of no image format are left out.

    Args:
        path: A file or folder.
        include: Only files that match this glob (``**/images/*.tif``).
        reader: The name of the only reader whose files are taken; None takes those of all installed readers.
        globs: Which of a user's own files are read.

    Raises:
        DataError: For a broken link, for a format that cannot be read, and where nothing is found.
        InputError: See ``Globs.chosen``.
    """
    if path.is_file():
        return globs.chosen(path, [path])
    readers = table(reader)
    found = [
        Path(folder) / name
        for folder, folders, names in os.walk(path)
        if not _hide(folders)
        for name in names
        if not name.startswith(".") and name != METADATA
    ]
    if include:
        matching = set(path.glob(include))
        found = [file for file in found if file in matching]
    found = globs.chosen(path, found)
    labels = {file: file.relative_to(path).as_posix() for file in found}
    files = [file for file in found if readers.reader_of(file, labels[file])]
    if not files:
        raise DataError(f"{path.name} holds no image; expected {readers.formats}.")
    return sorted(files, key=labels.__getitem__)


def companions(path: Path, files: Sequence[Path], reader: str | None = None) -> list[Path]:
    """Files that change what is read without being images: metadata.csv, and what the readers name."""
    root, owners = _root(path), _readers(path, files, reader)
    by_format = sorted(files, key=lambda file: owners[file].name)
    beside = [other for file in by_format if (find := owners[file].companions) for other in find(file)]
    return [file for file in [root / METADATA, *beside] if file.is_file()]


def foreign_readers(path: Path, files: Sequence[Path], reader: str | None = None) -> list[str]:
    """Name and version of the readers of plugins that take some of the files."""
    return table(reader).foreign(_readers(path, files, reader).values())


def name_their_subjects(path: Path, files: Sequence[Path], reader: str | None = None) -> bool:
    """Whether one of the files holds images of several subjects and names them itself."""
    return any(owner.names_subjects for owner in _readers(path, files, reader).values())


def read_volumes(
    path: Path,
    files: Sequence[Path],
    pattern: str | None = None,
    subjects_inside: bool = False,
    reader: str | None = None,
    some_left_out: bool = False,
    beside: Callable[[Path], tuple[Path, int]] | None = None,
) -> Iterator[Volume]:
    """Volumes of ``files`` under ``path``, subject by subject; one is in memory at a time.

    Args:
        path: What ``find_files`` was given.
        files: What it returned.
        pattern: A regular expression that finds the subject in a relative path; see ``subjects_of``.
        subjects_inside: The subject is read from each file (PatientID), whatever its folder is called.
        reader: As for ``find_files``.
        some_left_out: A ``metadata.csv`` may name more files than are read.
        beside: The file, and its frame, that is read in place of an image, under the image's name and in its order;
            None reads the images. Of files with several subjects there is none.

    Raises:
        DataError: Where a file cannot be read or has no subject.
    """
    root, owners = _root(path), _readers(path, files, reader)
    named = {file.relative_to(root).as_posix(): (file, owners[file]) for file in files}
    for name, (file, owner) in named.items():
        if owner.names_subjects and beside:
            raise DataError(
                f"{name} holds images of several subjects; for fields beside them save a file for each image or volume."
            )
        if owner.names_subjects:
            yield from owner.read([ImageFile(file, name)], "")
    rest = {name: pair for name, pair in named.items() if not pair[1].names_subjects}
    groups: dict[tuple[str, str], list[ImageFile]] = {}
    for name, (subject, number) in _subjects(root, rest, pattern, subjects_inside, some_left_out).items():
        file, owner = rest[name]
        at, frame = beside(file) if beside else (file, 0)
        groups.setdefault((subject, owner.name), []).append(
            ImageFile(at, name, number, frame, file if beside else None)
        )
    by_name = {owner.name: owner for _, owner in rest.values()}
    for (subject, format_name), group in sorted(groups.items()):
        yield from by_name[format_name].read(group, subject)


def _subjects(
    root: Path,
    files: dict[str, tuple[Path, Reader]],
    pattern: str | None,
    subjects_inside: bool,
    some_left_out: bool,
) -> dict[str, tuple[str, int | None]]:
    """relative name -> (subject, number of the slice or None)."""
    known = pattern is not None or (root / METADATA).is_file() or any("/" in name for name in files)
    silent = next((name for name, (_, reader) in files.items() if reader.patient is None), None)
    if subjects_inside and silent:
        raise DataError(
            f"{silent} has a format that names no patient, and the card takes subjects from the files themselves; "
            "move it out of the folder, or give the card an include pattern."
        )
    if files and (subjects_inside or (not known and silent is None)):
        return {name: (str(reader.patient(file, name)), None) for name, (file, reader) in files.items()}
    return subjects_of(root, list(files), pattern, some_left_out) if files else {}


def _readers(path: Path, files: Sequence[Path], reader: str | None) -> dict[Path, Reader]:
    readers, root = table(reader), _root(path)
    return {file: readers.reader_of_any(file, _label(file, root)) for file in files}


def _label(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def _root(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _hide(folders: list[str]) -> bool:
    """Keeps os.walk out of hidden folders; always False."""
    folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
    return False
