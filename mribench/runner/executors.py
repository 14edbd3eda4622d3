"""Processes of this machine as a ``concurrent.futures.Executor``; those of clusters are in ``clusters``."""

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
from multiprocessing import resource_tracker
from typing import Any

from mribench import signals

SECONDS_TO_BEGIN = 0.3  # that a new worker is given before it is killed


def worker_died(error: BaseException) -> bool:
    """Whether the worker ended, rather than its function. (Dask's own error for it is ``KilledWorker``.)"""
    return isinstance(error, BrokenExecutor | CancelledError) or type(error).__name__ == "KilledWorker"


class Processes(Executor):
    """Workers on this machine, each a process of its own.

    Each is driven by its own thread: one that is killed stops no other, and the next call starts it again. Workers are
    spawned (torch does not survive a fork) and end with this process, however it ends.

    Args:
        processes: how many workers.
        threads: of each worker, for numpy and torch.
        warm_up: called in every new worker before any job; slow imports then run while this process prepares data.
    """

    def __init__(self, processes: int, threads: int, warm_up: Callable[[], Any] = os.getpid) -> None:
        self._threads, self._warm_up = threads, warm_up
        self._slots = ThreadPoolExecutor(processes)
        self._local = threading.local()
        self._pids: dict[ProcessPoolExecutor, Future] = {}
        _begin_tracker()
        self._slots.submit(self._pool)

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        return self._slots.submit(self._call, function, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._slots.shutdown(wait, cancel_futures=cancel_futures)
        for pool in list(self._pids):
            pool.shutdown(wait, cancel_futures=cancel_futures)

    def kill(self) -> None:
        """End the workers at once; each loses what it did since its last checkpoint."""
        for pid in list(self._pids.values()):
            # one that has only begun ends with this process
            with contextlib.suppress(ProcessLookupError, BrokenProcessPool, CancelledError, TimeoutError):
                os.kill(pid.result(SECONDS_TO_BEGIN), signal.SIGKILL)

    def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        pool = self._pool()
        try:
            return pool.submit(function, *args, **kwargs).result()
        except BrokenProcessPool:
            del self._local.pool, self._pids[pool]
            raise

    def _pool(self) -> ProcessPoolExecutor:
        """The one-process pool of the calling thread."""
        if not hasattr(self._local, "pool"):
            spawn = multiprocessing.get_context("spawn")
            self._local.pool = ProcessPoolExecutor(1, spawn, _begin, (self._threads,))
            with signals.withheld():
                self._pids[self._local.pool] = self._local.pool.submit(os.getpid)
            self._local.pool.submit(self._warm_up)
        return self._local.pool


def _begin_tracker() -> None:
    """Start multiprocessing's resource tracker, which is to outlive all others, so that a closed terminal spares it.

    It ignores the other signals by itself, and inherits what is ignored.
    """
    if hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread():
        previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        resource_tracker.ensure_running()
        signal.signal(signal.SIGHUP, previous)


def _begin(threads: int) -> None:
    """Set up a new worker, before numpy or torch are imported: they read these variables once."""
    os.environ.update(
        dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    )
    signals.leave_to_parent()
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
