"""Nothing half-written: a file or folder is made under a temporary name, flushed to the disk, and renamed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mribench import hashing

# begins the name of whatever is half-written; the host and process of its writer follow
TEMPORARY = ".tmp-mribench-"
# whether a writer on another host still runs cannot be found out
STALE_SECONDS = 24 * 3600
# more files than these are flushed by one call for the whole disk: one by one, thousands take minutes
MANY_FILES = 200
RENAME_ATTEMPTS = 10
ZSTD_LEVEL = 19  # the smallest files without the memory-hungry "ultra" levels
CHUNK_BYTES, MAX_TEXT_BYTES = 1 << 20, 1 << 30


@contextmanager
def new_file(path: Path, flush: bool = True) -> Iterator[Path]:
    """A temporary name to write to; the file becomes ``path`` when the block ends without error.

    Args:
        path: The file to make or to replace.
        flush: Wait until the content is on the disk. Without it a power cut may lose the file, never half of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path.parent)
    try:
        yield temporary
        if flush:
            _flush(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes, flush: bool = True) -> None:
    """Write a file whole or not at all; one that already holds ``content`` is left as it is."""
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return
    try:
        with new_file(path, flush) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        # a full disk names no file, and the temporary name would tell the user nothing
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_text(path: Path, text: str, flush: bool = True) -> None:
    write_bytes(path, text.encode(), flush)


def write_json(path: Path, value: Any, flush: bool = True) -> None:
    """Sorted keys and no NaN: what cannot be compared byte by byte, or read by others, is not written."""
    write_bytes(path, _json(value), flush)


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def write_sealed(path: Path, content: bytes) -> None:
    """Write a file and then, in ``<name>.sha256`` beside it, its digest as ``sha256sum --check`` reads it."""
    write_bytes(path, content)
    # the digest may be lost by a power cut: the file then counts as not written
    write_text(_seal(path), f"{hashlib.sha256(content).hexdigest()}  {path.name}\n", flush=False)


def read_sealed(path: Path) -> bytes | None:
    """The content of a file that ``write_sealed`` wrote; None where it, or its digest, is missing or was changed."""
    try:
        content, seal = path.read_bytes(), _seal(path).read_text()
    except (OSError, ValueError):
        return None
    return content if seal.partition(" ")[0] == hashlib.sha256(content).hexdigest() else None


def write_sealed_json(path: Path, value: Any) -> None:
    write_sealed(path, _json(value))


def read_sealed_json(path: Path) -> Any:
    """None where ``read_sealed`` gives None."""
    content = read_sealed(path)
    return None if content is None else json.loads(content)


def is_damaged(path: Path) -> bool:
    """Whether the digest beside a file is another one. A file of an earlier version has none, and is not."""
    try:
        seal = _seal(path).read_bytes()
    except FileNotFoundError:
        return False
    return not seal.startswith(hashing.file_sha256(path).encode())


def remove_sealed(path: Path) -> None:
    """Remove a file and its digest, where they are there."""
    for each in (path, _seal(path)):
        each.unlink(missing_ok=True)


def _seal(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Text as one zstd frame, a line each; the same lines give the same bytes."""
    import pyarrow

    text = "".join(f"{line}\n" for line in lines)
    write_bytes(
        path, pyarrow.Codec("zstd", compression_level=ZSTD_LEVEL).compress(text.encode()).to_pybytes()
    )


def read_lines(path: Path) -> list[str]:
    """The lines of a file that ``write_lines`` wrote. Raises ValueError where it is none, or is cut off."""
    import pyarrow

    content, text = path.read_bytes(), bytearray()
    try:
        with pyarrow.CompressedInputStream(pyarrow.py_buffer(content), "zstd") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                text += chunk
                # a file from a stranger may hold a few bytes that unpack to more than the memory
                if len(text) > MAX_TEXT_BYTES:
                    raise ValueError(f"it unpacks to more than {MAX_TEXT_BYTES >> 20} MiB")
    except OSError as error:
        raise ValueError(str(error)) from error
    return text.decode().removesuffix("\n").split("\n")


@contextmanager
def new_folder(path: Path, is_valid: Callable[[Path], bool] | None = None) -> Iterator[Path]:
    """A temporary folder to fill; it becomes ``path`` when the block ends without error.

    What dead writers left half-written beside ``path`` is removed.

    Args:
        path: The folder to make or to replace.
        is_valid: Asked of a folder that is at ``path`` by then, because another process was faster. Where it returns
            True that folder stays. None always replaces it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path.parent)
    temporary = _temporary(path.parent)
    temporary.mkdir()
    try:
        yield temporary
        _flush_tree(temporary)
        _put_in_place(temporary, path, is_valid)
        _flush(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_stale(folder: Path, alone: bool = False) -> None:
    """Remove what dead writers left half-written in ``folder``.

    A writer counts as dead where its process on this host has ended, or where its file is a day old.

    Args:
        folder: Looked at itself, not what is below it.
        alone: The caller holds a lock on a folder of mribench, so nobody else writes here: everything half-written is
            stale, also under the names that earlier versions gave.
    """
    for left in folder.glob(".tmp-*" if alone else f"{TEMPORARY}*"):
        if alone or _writer_is_dead(left):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _put_in_place(temporary: Path, path: Path, is_valid: Callable[[Path], bool] | None) -> None:
    for _ in range(RENAME_ATTEMPTS):
        try:
            os.rename(temporary, path)
            return
        except OSError:
            if not path.exists():
                continue
        if is_valid is not None and is_valid(path):
            return
        aside = _temporary(path.parent)
        try:
            os.rename(path, aside)
        except FileNotFoundError:
            pass
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    raise OSError(f"{path} could not be put in place: another process keeps changing it")


def _temporary(parent: Path) -> Path:
    return parent / f"{TEMPORARY}{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _writer_is_dead(left: Path) -> bool:
    host, pid, _ = [*left.name.removeprefix(TEMPORARY).split("-"), "", ""][:3]
    if host == _host() and pid.isdigit() and not _is_running(int(pid)):
        return True
    try:
        return time.time() - left.stat().st_mtime > STALE_SECONDS
    except FileNotFoundError:
        return False


def _host() -> str:
    return socket.gethostname().replace("-", "_")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _flush_tree(folder: Path) -> None:
    """So that a rename never shows half of what is below ``folder``."""
    found = list(os.walk(folder, topdown=False))
    if hasattr(os, "sync") and sum(len(names) for _, _, names in found) > MANY_FILES:
        os.sync()
        return
    for place, _, names in found:
        for name in names:
            _flush(Path(place) / name)
        _flush(Path(place))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
