"""Locks of a run folder: one run at a time writes to it, and one worker to each cell.

The locks are ``flock``: they end with the process that holds them, however it ends. A shared file system must support
them between machines: NFS 4, or Lustre mounted with ``flock``. There is none on Windows.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

from mribench import files
from mribench.errors import InputError

# holds the messages between a suite and its workers while it runs
JOBS = ".jobs"
WORKERS = "workers.lock"
# where a run writes, and where a killed one may have left half-written files
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

    workers: whether this run submits cells to workers. Workers of an earlier run may then still be running (a cluster
    does not check whether the process that submitted a job still lives). A run without workers refuses to start beside
    them.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _held(out / ".lock", fcntl.LOCK_EX | fcntl.LOCK_NB) as alone:
        if not alone:
            raise InputError(f"another mribench run is writing to {out}; wait for it or choose another --out")
        jobs = out / JOBS
        workers_lock = _held(jobs / WORKERS, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with workers_lock if jobs.is_dir() else nullcontext(True) as idle:
            if idle:
                _sweep(out)
                if jobs.is_dir():
                    shutil.rmtree(jobs)
            elif not workers:
                raise InputError(
                    f"workers of an earlier run are still writing to {out}; wait for them or stop them"
                )
        yield


@contextmanager
def cell(out: Path, name: str) -> Iterator[None]:
    """One worker at a time runs a cell; another one waits here, and then finds it finished."""
    (out / JOBS).mkdir(parents=True, exist_ok=True)
    with _held(out / JOBS / WORKERS, fcntl.LOCK_SH), _held(out / JOBS / f"{name}.lock", fcntl.LOCK_EX):
        yield


def tidy(out: Path) -> None:
    """Remove the messages between suite and workers, unless a worker is still running."""
    with _held(out / JOBS / WORKERS, fcntl.LOCK_EX | fcntl.LOCK_NB) as idle:
        if idle:
            shutil.rmtree(out / JOBS)


@contextmanager
def _held(path: Path, kind: int) -> Iterator[bool]:
    """Take a lock and tell whether that worked; without LOCK_NB it waits until it does."""
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
            # its last holder has removed the file: lock the new one of that name
            path.parent.mkdir(parents=True, exist_ok=True)


def _still_there(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sweep(out: Path) -> None:
    """Remove the half-written files of a killed run; nobody else writes while the locks are held."""
    for stage in STAGES:
        for folder in out.glob(stage):
            files.remove_stale(folder, alone=True)
    # the folder itself may be the user's, and others may write to it
    files.remove_stale(out)
