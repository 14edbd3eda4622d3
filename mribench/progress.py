"""Progress of long steps: a rich bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

SECONDS_BETWEEN_LINES = 15.0
_shown: Any = None
_users = 0


class Listener(Protocol):
    """Whom a worker tells instead of writing to its own standard error."""

    def say(self, text: str) -> None: ...

    def show(self, title: str, done: int, total: int, note: str) -> None: ...


listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def say(text: str) -> None:
    """One plain line on standard error; of several processes only the first speaks."""
    if (told := listener.get()) is not None:
        told.say(text)
    elif os.environ.get("RANK", "0") == "0":
        print(text, file=sys.stderr, flush=True)


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Callable[..., None]]:
    """Yields ``advance(done, note="")``; ``done`` counts from the start, also where a step is resumed."""
    if (told := listener.get()) is not None:
        known = total
        told.show(title, done, total, "")
        yield lambda done, note="", total=None: told.show(title, done, total or known, note)
    elif _on_terminal():
        with _display() as bars:
            task = bars.add_task(title, total=total, completed=done, note="")
            yield lambda done, note="", total=None: bars.update(task, completed=done, note=note, total=total)
    else:
        lines = Lines(title, total, done)
        yield lines.advance
        lines.end()


@contextmanager
def rows() -> Iterator[Rows]:
    """Progress of several cells at once, a row or a line for each."""
    if _on_terminal():
        with _display() as bars:
            yield Bars(bars)
    else:
        yield Rows()


class Rows:
    """``show`` what a worker told last, ``drop`` it when its cell is done; lines off a terminal."""

    def __init__(self) -> None:
        self._lines: dict[str, Lines] = {}

    def show(self, cell: str, title: str, done: int, total: int, note: str) -> None:
        if cell not in self._lines or self._lines[cell].title != title:
            self.drop(cell)
            self._lines[cell] = Lines(title, total, done)
        self._lines[cell].advance(done, note, total)

    def drop(self, cell: str) -> None:
        if known := self._lines.pop(cell, None):
            known.end()


class Bars(Rows):
    """The same on a terminal: one display, a bar for each cell."""

    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._tasks: dict[str, tuple[str, Any]] = {}

    def show(self, cell: str, title: str, done: int, total: int, note: str) -> None:
        if self._tasks.get(cell, ("", None))[0] != title:
            self.drop(cell)
            self._tasks[cell] = title, self._bars.add_task(title, total=total, completed=done, note="")
        self._bars.update(self._tasks[cell][1], completed=done, note=note, total=total)

    def drop(self, cell: str) -> None:
        if known := self._tasks.pop(cell, None):
            self._bars.remove_task(known[1])


class Lines:
    """One step's plain lines: now and then, and the last state once, however often a guessed total is reached."""

    def __init__(self, title: str, total: int, done: int = 0) -> None:
        self.title, self._total, self._first = title, total, done
        self._start = self._last = time.monotonic()
        self._unsaid = ""

    def advance(self, done: int, note: str = "", total: int | None = None) -> None:
        total, now = total or self._total, time.monotonic()
        rate = (done - self._first) / max(now - self._start, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if rate > 0 else ""
        self._unsaid = f"{self.title}: {done}/{total}{left}{', ' + note if note else ''}"
        if now - self._last >= SECONDS_BETWEEN_LINES:
            say(self._unsaid)
            self._last, self._unsaid = now, ""

    def end(self) -> None:
        if self._unsaid:
            say(self._unsaid)
            self._unsaid = ""


def _on_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("RANK", "0") == "0"


@contextmanager
def _display() -> Iterator[Any]:
    """A terminal has one live display; all that is under way at once shares it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    global _shown, _users
    if _shown is None:
        columns = (
            TextColumn("{task.description:<44}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
        )
        _shown = Progress(*columns, console=Console(stderr=True))
        _shown.start()
    _users += 1
    try:
        yield _shown
    finally:
        _users -= 1
        if not _users:
            _shown.stop()
            _shown = None
