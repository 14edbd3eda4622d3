"""What a suite and its workers tell each other, through small files in the run folder, which they share anyway.

The same on this machine and on a cluster: no queue, port or signal has to reach from one to the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mribench import progress, provenance, signals
from mribench.runner.locks import JOBS

SECONDS_BETWEEN_WORDS = 1.0
STOP = "stop"


@dataclass
class Words:
    """What a worker said: the step it is at, its lines so far, and its peak memory (GiB) once that is known."""

    title: str = ""
    done: int = 0
    total: int = 0
    note: str = ""
    lines: list[str] = field(default_factory=list)
    peak_gib: float | None = None


def open_for(out: Path) -> None:
    """Before a suite gives out its cells: what an earlier one asked no longer counts."""
    (out / JOBS).mkdir(parents=True, exist_ok=True)
    (out / JOBS / STOP).unlink(missing_ok=True)


def ask_to_stop(out: Path) -> None:
    """Every worker of this run folder saves its state and ends; also those that begin later."""
    (out / JOBS / STOP).touch()


def forget(out: Path, cell: str) -> None:
    """Before a cell is given out: what an earlier worker said of it no longer counts."""
    _path(out, cell).unlink(missing_ok=True)


def heard(out: Path, cell: str) -> Words | None:
    """The last words of the worker of a cell; None where it has said nothing yet, or cannot be heard just now."""
    try:
        return Words(**json.loads(_path(out, cell).read_text()))
    except (OSError, ValueError):
        return None


@contextmanager
def reporting(out: Path, cell: str) -> Iterator[None]:
    """Within the block progress and lines of this worker go to the suite, and its wish to stop is heard."""
    worker = _Worker(out, cell)
    told = progress.listener.set(worker)
    asked = signals.stop_requested.set(worker.asked)
    try:
        yield
    finally:
        signals.stop_requested.reset(asked)
        progress.listener.reset(told)
        worker.tell()


class _Worker:
    """The worker's end: a ``progress.Listener``, and ``asked``."""

    def __init__(self, out: Path, cell: str) -> None:
        self._path, self._stop = _path(out, cell), out / JOBS / STOP
        self._words = Words()
        self._told = self._looked = -SECONDS_BETWEEN_WORDS
        self._answers, self._stopping = 0, False

    def show(self, title: str, done: int, total: int, note: str) -> None:
        signals.raise_if_stopped()
        new = title != self._words.title
        self._words.title, self._words.done, self._words.total, self._words.note = title, done, total, note
        if new or time.monotonic() - self._told >= SECONDS_BETWEEN_WORDS:
            self.tell()

    def say(self, text: str) -> None:
        self._words.lines.append(text)
        self.tell()

    def asked(self) -> bool:
        """Whether the suite is to stop. Asked once a step of training: the second time, its peak memory is known."""
        self._answers += 1
        if self._answers == 2:
            self._words.peak_gib = provenance.peak_memory_gib()["process_peak_gib"]
            self.tell()
        if not self._stopping and time.monotonic() - self._looked >= SECONDS_BETWEEN_WORDS:
            self._stopping, self._looked = self._stop.exists(), time.monotonic()
        return self._stopping

    def tell(self) -> None:
        """Whole or not at all, but not to the disk: after a power cut nobody asks for these words."""
        self._told = time.monotonic()
        temporary = self._path.with_name(f"{self._path.name}.new")
        with contextlib.suppress(OSError):  # a full disk must stop the work, where it is told in one sentence
            temporary.write_text(json.dumps(asdict(self._words)))
            os.replace(temporary, self._path)


def _path(out: Path, cell: str) -> Path:
    return out / JOBS / f"{cell}.json"
