"""What a suite and its workers tell each other, through small files in the run folder, which they share anyway.

The same on this machine and on a cluster: no queue, port or signal has to reach from one to the other.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mribench import files, progress, provenance, signals
from mribench.runner.locks import JOBS

SECONDS_BETWEEN_WRITES = 1.0
STOP = "stop"


@dataclass
class WorkerStatus:
    """The state of one worker, as it last wrote it."""

    title: str = ""  # of the progress bar
    done: int = 0
    total: int = 0
    note: str = ""
    lines: list[str] = field(default_factory=list)  # printed so far
    peak_gib: float | None = None  # peak memory, once it is known
    saves_state: bool = False  # whether the step under way saves its state before it ends

    @classmethod
    def read(cls, out: Path, cell: str) -> WorkerStatus | None:
        """None where the worker of the cell has written nothing yet, or the file cannot be read just now."""
        try:
            return cls(**json.loads(_path(out, cell).read_text()))
        except (OSError, ValueError):
            return None

    def write(self, path: Path) -> None:
        """Whole or not at all, but without fsync: after a power cut it is not read."""
        # the folder is gone once the suite has ended
        if path.parent.is_dir():
            with contextlib.suppress(OSError):  # a full disk must stop the work itself, which reports it
                files.write_json(path, asdict(self), flush=False)


def begin_suite(out: Path) -> None:
    """Before a suite submits cells: a request to stop of an earlier one no longer counts."""
    (out / JOBS).mkdir(parents=True, exist_ok=True)
    (out / JOBS / STOP).unlink(missing_ok=True)


def request_stop(out: Path) -> None:
    """Every worker of this run folder saves its state and ends; also those that begin later."""
    (out / JOBS / STOP).touch()


def clear(out: Path, cell: str) -> None:
    """Before a cell is submitted: remove the status of an earlier worker."""
    _path(out, cell).unlink(missing_ok=True)


@contextmanager
def reporting_to(out: Path, cell: str) -> Iterator[None]:
    """Within the block progress and lines of this worker go to the suite, and its request to stop is obeyed."""
    worker = _Worker(out, cell)
    listener = progress.listener.set(worker)
    asked = signals.stop_requested.set(worker.stop_requested)
    try:
        yield
    finally:
        signals.stop_requested.reset(asked)
        progress.listener.reset(listener)
        worker.write()


class _Worker:
    """The worker's end: a ``progress.ProgressListener`` that writes a ``WorkerStatus``."""

    def __init__(self, out: Path, cell: str) -> None:
        self._path, self._stop_file = _path(out, cell), out / JOBS / STOP
        self._status = WorkerStatus()
        self._written_at = self._looked_at = -SECONDS_BETWEEN_WRITES
        self._calls, self._stopping = 0, False

    def show(self, title: str, done: int, total: int, note: str) -> None:
        signals.raise_if_stopped()
        status = self._status
        new = title != status.title
        status.title, status.done, status.total, status.note = title, done, total, note
        status.saves_state = signals.saves_state()
        if new or time.monotonic() - self._written_at >= SECONDS_BETWEEN_WRITES:
            self.write()

    def say(self, text: str) -> None:
        self._status.lines.append(text)
        self.write()

    def stop_requested(self) -> bool:
        """Whether the suite asks to stop. Called once a training step: at the second call peak memory is known."""
        self._calls += 1
        if self._calls == 2:
            self._status.peak_gib = provenance.peak_memory_gib()["process_peak_gib"]
            self.write()
        if not self._stopping and time.monotonic() - self._looked_at >= SECONDS_BETWEEN_WRITES:
            self._stopping, self._looked_at = self._stop_file.exists(), time.monotonic()
        return self._stopping

    def write(self) -> None:
        self._written_at = time.monotonic()
        self._status.write(self._path)


def _path(out: Path, cell: str) -> Path:
    return out / JOBS / f"{cell}.json"
