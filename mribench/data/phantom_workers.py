"""Draw the subjects of a phantom on several cores.

The workers are plain Python processes that receive a function and send back images. Those of ``multiprocessing`` would
run the user's script once more, and a fork of a process with threads may hang.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from mribench import signals

# fewer slices than these are drawn before a second process has started
WORTH_A_PROCESS = 300
# training that runs already comes first
NICE = 10

Draw = Callable[[int], list[Any]]


def draw_subjects(draw: Draw, n: int, slices: int, processes: int) -> Iterator[list[Any]]:
    """``draw(subject)`` for 0 .. n - 1, in order, on several processes where that pays.

    Args:
        draw: Picklable; where it is not, or a worker fails, this process draws, and raises what is to be raised.
        n: Number of subjects.
        slices: Slices of each.
        processes: How many to use.
    """
    if processes < 2 or n * slices < WORTH_A_PROCESS:
        yield from map(draw, range(n))
        return
    with ExitStack() as stack:
        workers = [
            stack.enter_context(_worker(draw, range(first, n, processes))) for first in range(processes)
        ]
        for subject in range(n):
            drawn = _next(workers[subject % processes])
            yield draw(subject) if drawn is None else drawn


@contextlib.contextmanager
def _worker(draw: Draw, share: range) -> Iterator[Any]:
    """The stream of its answers: empty where it could not be given the work, None where it could not be started."""
    command = [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"]
    try:
        worker = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        yield None
        return
    try:
        try:
            pickle.dump((draw, share), worker.stdin)
            worker.stdin.flush()
        except (OSError, pickle.PicklingError, AttributeError, TypeError):
            with contextlib.suppress(OSError):
                worker.stdin.close()
        yield worker.stdout
    finally:
        worker.kill()
        with contextlib.suppress(OSError):
            worker.stdin.close()
        worker.stdout.close()
        worker.wait()


def _next(answers: Any) -> list[Any] | None:
    if answers is None:
        return None
    try:
        return pickle.load(answers)
    except (EOFError, OSError, pickle.UnpicklingError):
        return None


def serve() -> None:
    """The code of a worker: draw what stdin asks for, until all is done or the reader has gone."""
    signals.leave_to_parent()
    if hasattr(os, "nice"):
        os.nice(NICE)
    draw, share = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # a drawing that prints must not speak into the answers
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    for subject in share:
        pickle.dump(draw(subject), answers)
        answers.flush()


def _end_with_parent() -> None:
    """The parent keeps stdin open until it ends, however it ends."""
    while sys.stdin.buffer.read(1):
        pass
    os._exit(1)
