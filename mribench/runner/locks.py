"""Who writes to a run folder: one run, and in each cell one worker.

The locks are ``flock``: they go with the process that holds them, however it ends. On a shared file system it must
work between machines: NFS 4, or Lustre mounted with ``flock``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mribench import files
from mribench.errors import InputError

# what a suite and its workers tell each other lies here while it runs
JOBS = ".jobs"
WORKERS = "workers.lock"
# where a run writes, and so where a killed one may have left something half-written
STAGES = (
    "data",
    "train/*",
    "train/*/checkpoints",
    "outputs",
    "features",
    "floors",
    "results/*",
    "figures",
)


@contextmanager
def suite(out: Path, workers: bool) -> Iterator[None]:
    """One run at a time writes to a folder. Raises InputError where another does.

    workers: the run will hand its cells to workers. Those of an earlier run may then still be at work on theirs (a
    cluster does not ask whether who sent a job still lives); one that does the work itself waits for nobody.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _held(out / ".lock", fcntl.LOCK_EX | fcntl.LOCK_NB) as alone:
        if not alone:
            raise InputError(f"another mribench run is writing to {out}; wait for it or choose another --out")
        if not (out / JOBS).is_dir():
            _sweep(out)
            yield
            return
        with _held(out / JOBS / WORKERS, fcntl.LOCK_EX | fcntl.LOCK_NB) as idle:
            if idle:
                _sweep(out)
                shutil.rmtree(out / JOBS)
            elif not workers:
                raise InputError(
                    f"workers of an earlier run are still writing to {out}; wait for them or stop them"
                )
        yield


@contextmanager
def cell(out: Path, name: str) -> Iterator[None]:
    """One worker at a time works on a cell; another one waits here, and then finds the work done."""
    (out / JOBS).mkdir(parents=True, exist_ok=True)
    with _held(out / JOBS / WORKERS, fcntl.LOCK_SH), _held(out / JOBS / f"{name}.lock", fcntl.LOCK_EX):
        yield


def tidy(out: Path) -> None:
    """Remove what suite and workers told each other, where no worker is left that could look for it."""
    with _held(out / JOBS / WORKERS, fcntl.LOCK_EX | fcntl.LOCK_NB) as idle:
        if idle:
            shutil.rmtree(out / JOBS)


@contextmanager
def _held(path: Path, kind: int) -> Iterator[bool]:
    """Whether the lock was taken; without LOCK_NB it always is, in the end."""
    while True:
        with open(path, "w") as file:
            try:
                fcntl.flock(file, kind)
            except BlockingIOError:
                yield False
                return
            if _still_there(file, path):
                yield True
                return
            # whoever held it has removed it since: the file of that name is another now
            path.parent.mkdir(parents=True, exist_ok=True)


def _still_there(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sweep(out: Path) -> None:
    """Remove what a killed run was still writing here; nobody else writes while the locks are held."""
    for stage in STAGES:
        for folder in out.glob(stage):
            files.remove_stale(folder, alone=True)
    # the folder itself may be the user's, and others may write to it
    files.remove_stale(out)
