"""Submit the cells of a suite to workers, show their progress together, and resubmit the cell of a dead worker."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from pathlib import Path

from mribench import device, signals
from mribench.errors import Interrupted, MribenchError, concerns_one_cell
from mribench.progress import CellProgress, cell_progress, say
from mribench.runner import resources, status, worker
from mribench.runner.executors import Processes, worker_died
from mribench.runner.locks import JOBS
from mribench.runner.resources import Execution
from mribench.runner.status import WorkerStatus
from mribench.runner.worker import Job, Outcome
from mribench.signals import deferred_interrupts

SECONDS_BETWEEN_LOOKS = 0.3
SECONDS_TO_STOP = 0.6  # for what saves no state
# a cell whose workers have died so often is given up
MAX_WORKER_DEATHS = 3


@contextmanager
def executor(execution: Execution, out: Path) -> Iterator[Executor | None]:
    """The executor of a suite for as long as it runs; None where this process does the work.

    Raises InputError where the executor is unknown or cannot work.
    """
    if not execution.has_workers:
        yield None
        return
    workers = _executor(execution, out)
    try:
        yield workers
    finally:
        workers.shutdown(wait=False)
        if isinstance(workers, Processes):
            workers.kill()


def _executor(execution: Execution, out: Path) -> Executor:
    kind, _, arguments = execution.executor.partition(":")
    if kind == "local":
        return Processes(execution.jobs, resources.threads(execution.jobs), worker.warm_up)
    from mribench.runner import clusters

    if kind == "slurm":
        return clusters.Slurm(out.absolute() / JOBS / "slurm", **resources.parameters(arguments))
    return clusters.dask(arguments)


def run_jobs(
    jobs: Iterable[Job],
    workers: Executor,
    out: Path,
    processes: int | None,
    done: Callable[[Job], None] | None = None,
    show: Callable[[CellProgress], None] | None = None,
) -> list[Outcome]:
    """Run every job and return the outcomes, in order. A cell that fails stops no other.

    Args:
        jobs: read in a thread of its own, so that the first cells run while others are still being prepared.
        workers: where they run.
        out: the run folder.
        processes: how many run at once where memory allows; None leaves that to the executor.
        done: told of each job whose outcome is there, failed ones too.
        show: shows how far the suite is.

    Raises:
        InputError, OSError: what concerns more than one cell, and what ``jobs`` raises, once running cells are done.
        Interrupted: after a signal, once trainings have saved their state; a second Ctrl-C does not wait for that.
    """
    status.begin_suite(out)
    with deferred_interrupts() as interrupted, cell_progress() as display:
        suite = _Suite(workers, out, display, done)
        source = threading.Thread(target=suite.read, args=(jobs,), daemon=True)
        source.start()
        try:
            while (source.is_alive() and not interrupted()) or suite.waiting or suite.running:
                suite.submit(processes)
                ended, _ = wait(suite.running, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
                if not suite.running:
                    source.join(SECONDS_BETWEEN_LOOKS)
                if interrupted():
                    suite.stop()
                    suite.leave_what_saves_nothing()
                suite.collect(ended)
                if show:
                    show(display)
        finally:
            suite.stop()
            # what is being prepared is begun again by the next run
            source.join(SECONDS_TO_STOP if interrupted() else None)
        if interrupted():
            raise Interrupted(
                f"interrupted; cells done: {len(suite.outcomes)}; the others keep their last state; run the same "
                "command to go on"
            )
    if suite.refused is not None:
        raise suite.refused
    return [suite.outcomes[job] for job in suite.jobs]


class _Suite:
    """Which jobs wait, run and are done."""

    def __init__(
        self, workers: Executor, out: Path, display: CellProgress, done: Callable[[Job], None] | None
    ) -> None:
        self.jobs: list[Job] = []
        self.waiting, self.running = deque[Job](), dict[Future, Job]()
        self.outcomes: dict[Job, Outcome] = {}
        self.refused: Exception | None = None
        self._workers, self._out, self._display, self._done = workers, out, display, done
        self._deaths: Counter[Job] = Counter()
        self._status: dict[Job, WorkerStatus] = {}
        self._stopping, self._stopped_at = False, math.inf

    def read(self, jobs: Iterable[Job]) -> None:
        """Queue jobs as they come; in a thread of its own."""
        signals.stop_requested.set(self._ending)
        try:
            for job in jobs:
                self.jobs.append(job)
                self.waiting.append(job)
                if self._ending():
                    return
        except Interrupted:
            return
        except Exception as error:
            self.refused = self.refused or error

    def _ending(self) -> bool:
        return self._stopping or self.refused is not None

    def submit(self, processes: int | None) -> None:
        """Submit waiting jobs, as many as may run."""
        if self._ending():
            self.waiting.clear()
        while self.waiting and (processes is None or len(self.running) < self._room(processes)):
            job = self.waiting.popleft()
            status.clear(self._out, job.name)
            self._status[job] = WorkerStatus()
            self.running[self._workers.submit(worker.run_job, job)] = job

    def _room(self, processes: int) -> int:
        unknown = sum(self._status[job].peak_gib is None for job in self.running.values())
        peaks = (each.peak_gib for each in self._status.values() if each.peak_gib)
        return resources.room(
            processes, len(self.running), unknown, max(peaks, default=None), device.free_gib()
        )

    def collect(self, done: Iterable[Future]) -> None:
        """Show what workers have written, and take the outcomes of those that are done."""
        for job in self.running.values():
            self._show(job)
        for future in done:
            job = self.running.pop(future)
            self._display.drop(job.name)
            outcome = self._outcome(future, job)
            if outcome is not None:
                self.outcomes[job] = outcome
                if self._done:
                    self._done(job)
                if outcome.error is not None and not concerns_one_cell(outcome.error):
                    self.refused = self.refused or outcome.error

    def stop(self) -> None:
        """Begin nothing new; running cells save their state and end."""
        stopping, self._stopping = self._stopping, True
        if not stopping:
            self._stopped_at = time.monotonic()
        if self.running and not stopping:
            status.request_stop(self._out)
            for future in self.running:
                future.cancel()

    def leave_what_saves_nothing(self) -> None:
        """After a moment no longer wait for cells that are not training: they lose nothing by being killed."""
        if time.monotonic() - self._stopped_at < SECONDS_TO_STOP:
            return
        for future, job in list(self.running.items()):
            if not future.done() and not self._status[job].saves_state:
                del self.running[future]
                self._display.drop(job.name)

    def _show(self, job: Job) -> None:
        before, now = self._status[job], WorkerStatus.read(self._out, job.name)
        if now is None or now == before:
            return
        self._status[job] = now
        shown = len(before.lines)
        # a cluster may have given the cell to another worker, whose lines begin anew
        for line in now.lines[shown:] if now.lines[:shown] == before.lines else now.lines:
            say(line)
        if now.title:
            self._display.show(job.name, now.title, now.done, now.total, now.note)

    def _outcome(self, future: Future, job: Job) -> Outcome | None:
        """None where the job waits once more, or was stopped. Raises an error that is a bug."""
        error = None if future.cancelled() else future.exception()
        outcome = future.result() if error is None and not future.cancelled() else None
        if outcome is not None and not isinstance(outcome.error, Interrupted):
            return outcome
        if self._stopping:
            return None
        if error is not None and not worker_died(error):
            raise error
        # also where somebody else interrupted or cancelled it: this suite is still to be finished
        self._deaths[job] += 1
        if self._deaths[job] < MAX_WORKER_DEATHS:
            say(f"{job.name}: its worker ended early; another one goes on from the last checkpoint")
            self.waiting.append(job)
            return None
        cause = " ".join(str(error).split()) or "killed"
        return Outcome(
            error=MribenchError(
                f"{job.name}: its worker ended early {MAX_WORKER_DEATHS} times ({cause}); its last checkpoint is kept; "
                "give it more memory, or run with --jobs 1 to see where it ends"
            )
        )
