"""Progress of long steps: a rich bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from mribench.escaping import terminal

SECONDS_BETWEEN_LINES = 15.0
VARIABLE = "MRIBENCH_VERBOSITY"  # an environment variable reaches the workers too
QUIET, VERBOSE = "quiet", "verbose"  # its values; unset is neither
# characters a line, below which progress has no bar: title and time left come first
WIDE = 100
# a terminal has one live display, shared by all steps under way
_display: Any = None
_display_users = 0


class ProgressListener(Protocol):
    """Receives what a worker would otherwise write to standard error."""

    def say(self, text: str) -> None: ...

    def show(self, title: str, done: int, total: int, note: str) -> None: ...


listener: ContextVar[ProgressListener | None] = ContextVar("listener", default=None)


def say(text: str) -> None:
    """One plain line on standard error, whatever the verbosity; of several processes only the first writes."""
    if (receiver := listener.get()) is not None:
        receiver.say(text)
    elif os.environ.get("RANK", "0") == "0":
        print(terminal(text), file=sys.stderr, flush=True)


def say_done(text: str) -> None:
    """A line for something finished, which --quiet leaves out."""
    if os.environ.get(VARIABLE) != QUIET:
        say(text)


def say_detail(text: str) -> None:
    """A line that --verbose alone shows."""
    if os.environ.get(VARIABLE) == VERBOSE:
        say(text)


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Callable[..., None]]:
    """Shows one step; yields ``advance(done, note="", total=None)``.

    Args:
        title: of the step.
        total: how many units of work it has; ``advance`` may correct it.
        done: how many are done already, where a step is resumed. ``advance`` counts them too.
    """
    if (receiver := listener.get()) is not None:
        first_total = total
        receiver.show(title, done, total, "")
        yield lambda done, note="", total=None: receiver.show(title, done, total or first_total, note)
    elif os.environ.get(VARIABLE) == QUIET:
        yield lambda done, note="", total=None: None
    elif _on_terminal():
        with _shared_display() as bars:
            task = bars.add_task(title, total=total, completed=done, note="", first=done)
            yield lambda done, note="", total=None: bars.update(task, completed=done, note=note, total=total)
    else:
        lines = StepLines(title, total, done)
        yield lines.advance
        lines.end()


@contextmanager
def cell_progress() -> Iterator[CellProgress]:
    """Progress of several cells at once: a bar for each on a terminal, else lines."""
    if os.environ.get(VARIABLE) == QUIET:
        yield NoProgress()
    elif _on_terminal():
        with _shared_display() as bars:
            yield CellBars(bars)
    else:
        yield CellProgress()


class CellProgress:
    """``show`` the step that a cell is at, ``drop`` a cell that is done; plain lines."""

    def __init__(self) -> None:
        self._lines: dict[str, StepLines] = {}

    def show(self, cell: str, title: str, done: int, total: int, note: str) -> None:
        if cell not in self._lines or self._lines[cell].title != title:
            self.drop(cell)
            self._lines[cell] = StepLines(title, total, done)
        self._lines[cell].advance(done, note, total)

    def drop(self, cell: str) -> None:
        if lines := self._lines.pop(cell, None):
            lines.end()


class NoProgress(CellProgress):
    """Shows nothing."""

    def show(self, cell: str, title: str, done: int, total: int, note: str) -> None:
        pass


class CellBars(CellProgress):
    """The same on a terminal: one display, a bar for each cell."""

    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._tasks: dict[str, tuple[str, Any]] = {}

    def show(self, cell: str, title: str, done: int, total: int, note: str) -> None:
        if self._tasks.get(cell, ("", None))[0] != title:
            self.drop(cell)
            self._tasks[cell] = (
                title,
                self._bars.add_task(title, total=total, completed=done, note="", first=done),
            )
        self._bars.update(self._tasks[cell][1], completed=done, note=note, total=total)

    def drop(self, cell: str) -> None:
        if task := self._tasks.pop(cell, None):
            self._bars.remove_task(task[1])


class StepLines:
    """Plain lines of one step: one every fifteen seconds, and one at its end; none of a step that is shorter."""

    def __init__(self, title: str, total: int, done: int = 0) -> None:
        self.title, self._total, self._first = title, total, done
        self._start = self._last = time.monotonic()
        self._pending = ""

    def advance(self, done: int, note: str = "", total: int | None = None) -> None:
        total, now = total or self._total, time.monotonic()
        left = seconds_left(now - self._start, done - self._first, total - done)
        left = "" if left is None else f", {left:.0f} s left"
        self._pending = f"{self.title}: {done}/{total}{left}{', ' + note if note else ''}"
        if now - self._last >= SECONDS_BETWEEN_LINES:
            say(self._pending)
            self._last, self._pending = now, ""

    def end(self) -> None:
        if self._pending and time.monotonic() - self._start >= SECONDS_BETWEEN_LINES:
            say(self._pending)
            self._pending = ""


def seconds_left(elapsed: float, done: int, left: int) -> float | None:
    """At the mean rate so far; None before anything is done."""
    return max(0.0, elapsed * left / done) if done > 0 else None


def clock(seconds: float) -> str:
    """'1:05', '2:00:09'."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _on_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("RANK", "0") == "0"


@contextmanager
def _shared_display() -> Iterator[Any]:
    """Started by the first step that needs it, stopped by the last."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.table import Column
    from rich.text import Text

    class TimeLeft(ProgressColumn):
        """rich's own column forgets all but the last 30 s, and says nothing of steps that take longer."""

        def render(self, task: Task) -> Text:
            done = task.completed - task.fields["first"]
            left = seconds_left(task.elapsed or 0, done, (task.total or 0) - task.completed)
            return Text("starting" if left is None else f"{clock(left)} left", style="cyan")

    global _display, _display_users
    if _display is None:
        console = Console(stderr=True)
        one_line = {"no_wrap": True, "overflow": "ellipsis"}
        columns = (
            TextColumn("{task.description}", markup=False, table_column=Column(min_width=30, **one_line)),
            *([BarColumn(bar_width=24)] if console.width >= WIDE else []),
            MofNCompleteColumn(),
            TimeLeft(table_column=Column(no_wrap=True, min_width=9)),
            TextColumn("{task.fields[note]}", style="dim", markup=False, table_column=Column(**one_line)),
        )
        _display = Progress(*columns, console=console)
        _display.start()
    _display_users += 1
    try:
        yield _display
    finally:
        _display_users -= 1
        if not _display_users:
            _display.stop()
            _display = None
