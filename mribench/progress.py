"""Progress of long steps: a rich bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SECONDS_BETWEEN_LINES = 15.0
# a terminal has one live display; bars that are open at once share it
_shown: Any = None


def say(text: str) -> None:
    """One plain line on standard error; of several processes only the first speaks."""
    if os.environ.get("RANK", "0") == "0":
        print(text, file=sys.stderr, flush=True)


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Callable[..., None]]:
    """Yields ``advance(done, note="")``; ``done`` counts from the start, also where a step is resumed."""
    if sys.stderr.isatty() and os.environ.get("RANK", "0") == "0":
        yield from _bar(title, total, done)
    else:
        yield from _lines(title, total, done)


def _bar(title: str, total: int, done: int) -> Iterator[Callable[..., None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<44}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim", markup=False),
    )
    global _shown
    bar = _shown
    if bar is None:
        bar = _shown = Progress(*columns, console=Console(stderr=True))
        bar.start()
    task = bar.add_task(title, total=total, completed=done, note="")
    try:
        yield lambda done, note="", total=None: bar.update(task, completed=done, note=note, total=total)
    finally:
        bar.stop_task(task)
        if all(task.stop_time is not None for task in bar.tasks):
            bar.stop()
            _shown = None


def _lines(title: str, total: int, done: int) -> Iterator[Callable[..., None]]:
    start, first, last_line, unsaid = time.monotonic(), done, time.monotonic(), ""
    known = total

    def advance(done: int, note: str = "", total: int | None = None) -> None:
        nonlocal last_line, unsaid
        total = total or known
        now = time.monotonic()
        rate = (done - first) / max(now - start, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if rate > 0 else ""
        unsaid = f"{title}: {done}/{total}{left}{', ' + note if note else ''}"
        if now - last_line >= SECONDS_BETWEEN_LINES:
            say(unsaid)
            last_line, unsaid = now, ""

    yield advance
    # the last state is always said, once: a total that is only a guess may be reached many times
    if unsaid:
        say(unsaid)
