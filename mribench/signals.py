"""Ctrl-C, SIGTERM and SIGHUP end a command within seconds: one sentence, and 128 plus the signal's number as exit code.

A step that saves its state (``deferred_interrupts``) saves it first. Elsewhere the main thread raises KeyboardInterrupt
and unwinds. Where that takes too long, in a library or for a thread that is waited for, the process is ended: what is
on disk is whole at any moment.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from mribench.errors import Interrupted

INTERRUPTED = "interrupted; finished stages are kept, run the same command to go on"
# Windows has no SIGHUP
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
SAME_KEYPRESS_SECONDS = 1  # launchers pass one Ctrl-C on as several signals
SECONDS_TO_UNWIND = 1.2
SECONDS_BETWEEN_LOOKS = 0.05
SHOW_CURSOR = "\x1b[?25h"  # a progress bar hides it

# tells a worker that its suite is to stop, because a signal reaches neither another machine nor a thread
stop_requested: ContextVar[Callable[[], bool]] = ContextVar("stop_requested", default=lambda: False)
# whether a step that saves its state is under way
_in_deferred: ContextVar[bool] = ContextVar("in_deferred", default=False)
# the same of the main thread, for the thread that ends the process
_main_in_deferred = False
_received: list[int] = []  # numbers of signals, the first of which counts
_raised = False
_dropped = False  # Python dropped the KeyboardInterrupt, as it does with any error in __del__ and in a weak reference
_answering = False  # a notebook or a test has handlers of its own
_told = threading.Lock()


def answer() -> None:
    """Answer signals as the command line does; for its main thread, and for the rest of the process.

    A signal that is ignored, as nohup has it for SIGHUP, stays ignored.
    """
    global _answering
    _answering = True
    answered = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in answered:
        signal.signal(number, _interrupt)
    sys.unraisablehook = _note_dropped
    # Python runs a handler only between two steps of the main thread; a byte in this pipe comes at once
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    threading.Thread(target=_end_in_time, args=(read_end, set(answered)), daemon=True).start()


def leave_to_parent() -> None:
    """Ignore signals, in a process whose parent ends it: a terminal or a scheduler signals every process."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def withheld() -> Iterator[None]:
    """A process that this thread starts in the block has INT, TERM and HUP blocked from its first moment.

    It can ignore them (``leave_to_parent``) only once its Python has begun, and one that comes before would print a
    traceback. This process answers as ever, at the latest after the block.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def received() -> bool:
    """Whether a signal came that ends this command."""
    return _answering and bool(_received)


def exit_code() -> int:
    """128 plus the number of the signal that came; 130, as for Ctrl-C, where none came but an interrupt was raised."""
    return 128 + (_received[0] if received() else signal.SIGINT)


def tell(sentence: str) -> None:
    """Print the sentence with which a command ends that was interrupted, unless that was done; further signals are
    ignored. For the main thread."""
    leave_to_parent()
    if _told.acquire(blocking=False):
        print(sentence, file=sys.stderr, flush=True)


def end() -> None:
    """End this process at once: without waiting for threads, which may be importing or preparing."""
    # a thread may hold the lock of sys.stderr
    if _told.acquire(blocking=False):
        os.write(2, f"{SHOW_CURSOR if os.isatty(2) else ''}mribench: {INTERRUPTED}\n".encode())
    os._exit(exit_code())


def _interrupt(number: int, frame: FrameType | None) -> None:
    global _raised
    _received.append(number)
    # a second signal must not break the unwinding that the first began
    if not _raised:
        _raised = True
        raise KeyboardInterrupt


def _note_dropped(unraisable: sys.UnraisableHookArgs) -> None:
    global _dropped
    if _raised and unraisable.exc_type is KeyboardInterrupt:
        _dropped = True
    else:
        sys.__unraisablehook__(unraisable)


def _end_in_time(read_end: int, numbers: set[int]) -> None:
    """In a thread of its own: end the process soon after a signal, once no step is under way that saves its state.

    An interrupt that Python dropped is raised again.
    """
    global _dropped, _raised
    while (number := os.read(read_end, 1)[0]) not in numbers:
        pass
    # the handler may never be run
    _received.append(number)
    since = time.monotonic()
    while time.monotonic() - since < SECONDS_TO_UNWIND:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        if _dropped:
            _dropped = _raised = False
            _thread.interrupt_main(signal.Signals(number))
        if _main_in_deferred:
            since = time.monotonic()
    end()


@contextmanager
def deferred_interrupts() -> Iterator[Callable[[], bool]]:
    """Yields ``interrupted()``: whether the block should end because a signal came.

    A second Ctrl-C, more than a second after the first, interrupts at once. Raises Interrupted at the end of a block
    that did not end by an error though a signal came: it must not be lost.
    """
    global _main_in_deferred
    first_signal: float | None = None

    def handle(number: int, frame: FrameType | None) -> None:
        global _raised
        nonlocal first_signal
        now = time.monotonic()
        _received.append(number)
        _raised = True
        if (
            number == signal.SIGINT
            and first_signal is not None
            and now - first_signal > SAME_KEYPRESS_SECONDS
        ):
            raise KeyboardInterrupt
        first_signal = first_signal or now

    # Python lets only the main thread handle signals
    in_main_thread = threading.current_thread() is threading.main_thread()
    numbers = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, handle) for number in numbers if in_main_thread}
    outer, token = _main_in_deferred, _in_deferred.set(True)
    _main_in_deferred = outer or in_main_thread
    try:
        yield lambda: first_signal is not None or stop_requested.get()()
    finally:
        _in_deferred.reset(token)
        if in_main_thread:
            _main_in_deferred = outer
        for number, handler in previous.items():
            signal.signal(number, handler)
    if first_signal is not None:
        raise Interrupted(INTERRUPTED)


def saves_state() -> bool:
    """Whether a step that saves its state is under way."""
    return _in_deferred.get()


def raise_if_stopped() -> None:
    """Raise Interrupted where the suite is to stop and no step under way would save its state."""
    if not _in_deferred.get() and stop_requested.get()():
        raise Interrupted(INTERRUPTED)
