"""Ctrl-C and SIGTERM ask politely: the step in hand is finished and saved, then the run ends with exit code 130."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred() -> Iterator[Callable[[], bool]]:
    """Yields ``asked()``: whether a signal has come. A second Ctrl-C, a second later or more, interrupts at once.

    Launchers pass one Ctrl-C on as several signals; those count as one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    came: float | None = None

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came is not None and number == signal.SIGINT and time.monotonic() - came > 1:
            raise KeyboardInterrupt
        came = came or time.monotonic()

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: came is not None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
