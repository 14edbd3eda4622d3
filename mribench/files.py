"""Nothing half-written: write under a temporary name, fsync, rename."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEMPORARY = ".tmp-"
LEVEL = 19  # of zstd: the smallest without its memory-hungry "ultra" levels
CHUNK, LARGEST = 1 << 20, 1 << 30  # bytes


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that already holds ``content`` is left as it is."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        # a full disk names no file, the temporary one tells the user nothing
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Sorted keys and no NaN: what cannot be compared byte by byte, or read by others, is not written."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Text as one zstd frame, a line each; the same lines give the same bytes."""
    import pyarrow

    text = "".join(f"{line}\n" for line in lines)
    write_bytes(path, pyarrow.Codec("zstd", compression_level=LEVEL).compress(text.encode()).to_pybytes())


def read_lines(path: Path) -> list[str]:
    """The lines of a file that ``write_lines`` wrote. Raises ValueError where it is none, or is cut off."""
    import pyarrow

    content, text = path.read_bytes(), bytearray()
    try:
        with pyarrow.CompressedInputStream(pyarrow.py_buffer(content), "zstd") as stream:
            while chunk := stream.read(CHUNK):
                text += chunk
                # a file from a stranger may hold a few bytes that unpack to more than the memory
                if len(text) > LARGEST:
                    raise ValueError(f"it unpacks to more than {LARGEST >> 20} MiB")
    except OSError as error:
        raise ValueError(str(error)) from error
    return text.decode().removesuffix("\n").split("\n")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary sibling of ``path`` to fill; it becomes ``path`` when the block ends without error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _sync(file)
        if path.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
        _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
