"""Folders that exist completely or not at all: write a temporary sibling, sync, rename."""

from __future__ import annotations

import os
import shutil
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path

PREFIX = ".tmp-"
# a writer on another host cannot be asked whether it lives
STALE_SECONDS = 24 * 3600
MANY = 50


def write_folder(path: Path, write: Callable[[Path], None], is_valid: Callable[[Path], bool]) -> None:
    """Call ``write`` on a temporary folder and rename it to ``path``.

    Where ``path`` is there by then and valid, another process was first and its folder stays; where it is
    not valid it is replaced. Temporary folders that dead writers left are removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path.parent)
    temporary = _temporary(path.parent)
    temporary.mkdir()
    try:
        write(temporary)
        _move(temporary, path, is_valid)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_stale(folder: Path) -> None:
    """Remove temporary folders whose writer is dead (same host) or that are a day old."""
    for left in folder.glob(f"{PREFIX}*"):
        _, _, host, pid, _ = [*left.name.split("-"), "", "", "", ""][:5]
        dead = host == _host() and pid.isdigit() and not _alive(int(pid))
        try:
            old = time.time() - left.stat().st_mtime > STALE_SECONDS
        except FileNotFoundError:
            continue
        if dead or old:
            shutil.rmtree(left, ignore_errors=True)


def sync(folder: Path) -> None:
    """Flush every file and folder below ``folder`` to the disk, so that a rename never shows half of it."""
    # one by one, thousands of files take minutes; at once, seconds
    if hasattr(os, "sync") and sum(len(names) for _, _, names in os.walk(folder)) > MANY:
        os.sync()
        return
    for at, _, names in os.walk(folder, topdown=False):
        for name in names:
            descriptor = os.open(Path(at) / name, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        _sync_folder(Path(at))


def _move(temporary: Path, path: Path, is_valid: Callable[[Path], bool]) -> None:
    for _ in range(10):
        try:
            os.rename(temporary, path)
            return
        except OSError:
            if not path.exists():
                continue
        if is_valid(path):
            return
        aside = _temporary(path.parent)
        try:
            os.rename(path, aside)
        except FileNotFoundError:
            pass
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    raise OSError(f"{path} could not be put in place: another process keeps changing it")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _temporary(parent: Path) -> Path:
    return parent / f"{PREFIX}folder-{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _host() -> str:
    return socket.gethostname().replace("-", "_")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
