"""Ctrl-C and SIGTERM ask politely: the step in hand is finished and saved, then the run ends with exit code 130."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from mribench.errors import Interrupted

# how a worker learns that its suite is to stop: a signal reaches neither another machine nor a thread
asked_elsewhere: ContextVar[Callable[[], bool]] = ContextVar("asked_elsewhere", default=lambda: False)
_saving: ContextVar[bool] = ContextVar("saving", default=False)


@contextmanager
def deferred() -> Iterator[Callable[[], bool]]:
    """Yields ``asked()``: whether a signal has come. A second Ctrl-C, a second later or more, interrupts at once.

    Launchers pass one Ctrl-C on as several signals; those count as one.
    """
    came: float | None = None

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came is not None and number == signal.SIGINT and time.monotonic() - came > 1:
            raise KeyboardInterrupt
        came = came or time.monotonic()

    # only a process's main thread is told of signals
    numbers = (signal.SIGINT, signal.SIGTERM)
    here = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, note) for number in numbers} if here else {}
    saving = _saving.set(True)
    try:
        yield lambda: came is not None or asked_elsewhere.get()()
    finally:
        _saving.reset(saving)
        for number, handler in before.items():
            signal.signal(number, handler)


def stop_here() -> None:
    """Raise Interrupted where the suite is to stop and nothing would be saved by waiting."""
    if not _saving.get() and asked_elsewhere.get()():
        raise Interrupted("interrupted; finished stages are kept, run the same command to go on")
