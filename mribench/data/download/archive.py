"""Unpack a zip or tar that is not trusted: every file inside the folder, no links, no devices, no flood."""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from mribench.data.download.download import check_space
from mribench.errors import DataError

CHUNK = 1 << 20
# medical images shrink to a half or a third; masks and text more, but hardly to a hundredth as a whole
MOST_TIMES_LARGER = 100
ALWAYS_ALLOWED = 1 << 30
MOST_ENTRIES = 2_000_000
# formats that are zip archives themselves
WHOLE = (".npz", ".docx", ".xlsx", ".whl")
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    NotImplementedError,
)


class Entry(NamedTuple):
    """One file of an archive. size: bytes as the archive states them, which is not believed."""

    name: str
    size: int
    stream: IO[bytes]


def is_archive(path: Path) -> bool:
    """True for zip and tar (also .gz, .bz2, .xz), by content; false for formats that are zips inside (.npz)."""
    if path.name.lower().endswith(WHOLE):
        return False
    return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


def unpack(archive: Path, folder: Path) -> None:
    """Write the files of ``archive`` under ``folder``; modes, owners and times are not kept.

    Raises DataError for an entry that reaches outside the folder, that is a link, a device or encrypted, that
    comes twice, for more than 100 times the size of the archive (1 GiB is always allowed), and for damage.
    """
    allowed = max(ALWAYS_ALLOWED, MOST_TIMES_LARGER * archive.stat().st_size)
    name, written = archive.name, 0
    try:
        for n, entry in enumerate(_zip(archive) if zipfile.is_zipfile(archive) else _tar(archive)):
            # before a byte is written, by the stated size; below, by the bytes that really come
            if n >= MOST_ENTRIES or written + entry.size > allowed:
                raise DataError(_flood(name))
            check_space(folder, entry.size, f"Unpacking {name}")
            target = folder / _inside(entry.name, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            # x: an entry that comes twice must not replace the first
            with target.open("xb") as out:
                while chunk := entry.stream.read(CHUNK):
                    written += len(chunk)
                    if written > allowed:
                        raise DataError(_flood(name))
                    out.write(chunk)
    except DAMAGE as error:
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else " ".join(str(error).split())
        )
        raise DataError(f"{name} cannot be unpacked ({reason}); it is damaged: report it.") from error


def _zip(archive: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            # the upper half holds the Unix mode, 0 where another system made the file
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise DataError(_special(archive.name, info.filename))
            if info.flag_bits & 0x1:
                raise DataError(f"{archive.name} is encrypted ({info.filename!r}); unpack it yourself.")
            if info.is_dir():
                _inside(info.filename, archive.name)
                continue
            # zipfile turns the separators of Windows by itself only on Windows
            with opened.open(info) as stream:
                yield Entry(info.orig_filename.replace("\\", "/"), info.file_size, stream)


def _tar(archive: Path) -> Iterator[Entry]:
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isdir():
                _inside(member.name, archive.name)
                continue
            stream = opened.extractfile(member) if member.isreg() else None
            if stream is None:
                raise DataError(_special(archive.name, member.name))
            with stream:
                yield Entry(member.name, member.size, stream)
            # a tar of many small files would keep all their headers
            opened.members = []


def _inside(entry: str, archive: str) -> PurePosixPath:
    """The path of an entry below the folder. Raises DataError where it would leave it."""
    path = PurePosixPath(entry.replace("\\", "/"))
    # C:file is a path of Windows, and relative to everybody else
    drive = path.parts and ":" in path.parts[0]
    if (
        path.is_absolute()
        or ".." in path.parts
        or drive
        or "\0" in entry
        or not (path.parts or entry in ".//")
    ):
        raise DataError(f"{archive} holds {entry!r}, which reaches outside its folder; do not use it.")
    return path


def _special(archive: str, entry: str) -> str:
    return f"{archive} holds {entry!r}, which is a link or a device and no file; do not use it."


def _flood(archive: str) -> str:
    return f"{archive} unpacks to far more than its size allows; do not use it, report it."
