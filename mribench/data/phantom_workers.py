"""Draw the subjects of a phantom on several cores.

The helpers are plain Python processes that are sent a function and send back images: those of ``multiprocessing`` run
the user's script once more, and a fork of a process with threads may hang.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

# below so many slices all are drawn before a second process has begun
WORTH_A_PROCESS = 300
# what trains already comes first
NICE = 10

Draw = Callable[[int], list[Any]]


def subjects(draw: Draw, n: int, slices: int, processes: int) -> Iterator[list[Any]]:
    """``draw(subject)`` of 0 .. n - 1, in order, by as many processes where that pays.

    draw: picklable; where it is not, or a helper fails, this process draws, and raises what is to be raised.
    """
    if processes < 2 or n * slices < WORTH_A_PROCESS:
        yield from map(draw, range(n))
        return
    with ExitStack() as stack:
        helpers = [
            stack.enter_context(_helper(draw, range(first, n, processes))) for first in range(processes)
        ]
        for subject in range(n):
            drawn = _next(helpers[subject % processes])
            yield draw(subject) if drawn is None else drawn


@contextlib.contextmanager
def _helper(draw: Draw, share: range) -> Iterator[Any]:
    """What it sends; nothing where it could not be asked, None where it could not be started."""
    words = [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"]
    try:
        helper = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        yield None
        return
    try:
        with contextlib.suppress(OSError, pickle.PicklingError, AttributeError, TypeError):
            pickle.dump((draw, share), helper.stdin)
        with contextlib.suppress(OSError):
            helper.stdin.close()
        yield helper.stdout
    finally:
        helper.kill()
        helper.stdout.close()
        helper.wait()


def _next(answers: Any) -> list[Any] | None:
    if answers is None:
        return None
    try:
        return pickle.load(answers)
    except (EOFError, OSError, pickle.UnpicklingError):
        return None


def serve() -> None:
    """In a helper: draw what stdin asks for, until all is done or nobody reads any more."""
    # Ctrl-C is for the process that asks, which ends its helpers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICE)
    draw, share = pickle.load(sys.stdin.buffer)
    # a drawing that prints must not speak into the answers
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    for subject in share:
        pickle.dump(draw(subject), answers)
        answers.flush()
