"""Processes of this machine behind ``concurrent.futures.Executor``; the engines of clusters are in ``clusters``."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from concurrent.futures.thread import ThreadPoolExecutor
from typing import Any


def died(error: BaseException) -> bool:
    """Whether it was the worker that ended, and not its work. (Dask's own word for it is ``KilledWorker``.)"""
    return isinstance(error, BrokenExecutor | CancelledError) or type(error).__name__ == "KilledWorker"


class Processes(Executor):
    """``processes`` workers of ``threads`` threads each on this machine.

    Each stands behind a thread of its own: one that is killed takes no other along, and the next call starts it anew.
    Workers are spawned (torch does not survive a fork) and end with this process, however it ends.
    warm: called in every new worker before any work; slow imports then run beside what this process still does.
    """

    def __init__(self, processes: int, threads: int, warm: Callable[[], Any] = os.getpid) -> None:
        self._threads, self._warm = threads, warm
        self._slots = ThreadPoolExecutor(processes)
        self._mine = threading.local()
        self._pids: dict[ProcessPoolExecutor, Future] = {}
        self._slots.submit(self._pool)

    def submit(self, function: Callable[..., Any], /, *words: Any, **named: Any) -> Future:
        return self._slots.submit(self._call, function, *words, **named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._slots.shutdown(wait, cancel_futures=cancel_futures)
        for pool in list(self._pids):
            pool.shutdown(wait, cancel_futures=cancel_futures)

    def kill(self) -> None:
        """End the workers at once; what they do is lost back to its last checkpoint."""
        for pid in list(self._pids.values()):
            with contextlib.suppress(ProcessLookupError, BrokenProcessPool, CancelledError):
                os.kill(pid.result(), signal.SIGKILL)

    def _call(self, function: Callable[..., Any], *words: Any, **named: Any) -> Any:
        pool = self._pool()
        try:
            return pool.submit(function, *words, **named).result()
        except BrokenProcessPool:
            del self._mine.pool, self._pids[pool]
            raise

    def _pool(self) -> ProcessPoolExecutor:
        """The one-process pool of the thread that asks."""
        if not hasattr(self._mine, "pool"):
            spawn = multiprocessing.get_context("spawn")
            self._mine.pool = ProcessPoolExecutor(1, spawn, _begin, (self._threads,))
            self._pids[self._mine.pool] = self._mine.pool.submit(os.getpid)
            self._mine.pool.submit(self._warm)
        return self._mine.pool


def _begin(threads: int) -> None:
    """In a new worker, before numpy or torch are imported: they read these variables once."""
    os.environ.update(
        dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    )
    # a terminal sends Ctrl-C to everyone; training listens for itself, the rest is told by the suite
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
