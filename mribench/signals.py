"""Ctrl-C and SIGTERM: the step under way is finished and saved, then the run ends with exit code 130."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from mribench.errors import Interrupted

# tells a worker that its suite is to stop, because a signal reaches neither another machine nor a thread
stop_requested: ContextVar[Callable[[], bool]] = ContextVar("stop_requested", default=lambda: False)
# whether a step that saves its state is under way
_in_deferred: ContextVar[bool] = ContextVar("in_deferred", default=False)
SAME_KEYPRESS_SECONDS = 1  # launchers pass one Ctrl-C on as several signals


@contextmanager
def deferred_interrupts() -> Iterator[Callable[[], bool]]:
    """Yields ``interrupted()``: whether the block should end because a signal came.

    A second Ctrl-C, more than a second after the first, interrupts at once.
    """
    first_signal: float | None = None

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal first_signal
        now = time.monotonic()
        if (
            number == signal.SIGINT
            and first_signal is not None
            and now - first_signal > SAME_KEYPRESS_SECONDS
        ):
            raise KeyboardInterrupt
        first_signal = first_signal or now

    # Python lets only the main thread handle signals
    in_main_thread = threading.current_thread() is threading.main_thread()
    numbers = (signal.SIGINT, signal.SIGTERM) if in_main_thread else ()
    previous = {number: signal.signal(number, handle) for number in numbers}
    token = _in_deferred.set(True)
    try:
        yield lambda: first_signal is not None or stop_requested.get()()
    finally:
        _in_deferred.reset(token)
        for number, handler in previous.items():
            signal.signal(number, handler)


def raise_if_stopped() -> None:
    """Raise Interrupted where the suite is to stop and no step under way would save its state."""
    if not _in_deferred.get() and stop_requested.get()():
        raise Interrupted("interrupted; finished stages are kept, run the same command to go on")
