"""Hand the cells of a suite to workers: a dead one's cell is given out again, what they say is shown together."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from pathlib import Path

from mribench import device, signals
from mribench.errors import Interrupted, MribenchError, concerns_one_cell
from mribench.progress import CellProgress, cell_progress, say
from mribench.runner import resources, status, worker
from mribench.runner.executors import Processes, died
from mribench.runner.locks import JOBS
from mribench.runner.resources import Execution
from mribench.runner.status import Words
from mribench.runner.worker import Job, Outcome
from mribench.signals import deferred_interrupts

SECONDS_BETWEEN_LOOKS = 0.3
# a cell that has taken so many workers along is left alone
DEATHS = 3


@contextmanager
def engine(execution: Execution, out: Path) -> Iterator[Executor | None]:
    """The executor of a suite for as long as it runs; None where this process does the work.

    Raises InputError where the executor is unknown or cannot work.
    """
    if not execution.has_workers:
        yield None
        return
    made = _engine(execution, out)
    try:
        yield made
    finally:
        made.shutdown(wait=False)
        if isinstance(made, Processes):
            made.kill()


def _engine(execution: Execution, out: Path) -> Executor:
    kind, _, words = execution.executor.partition(":")
    if kind == "local":
        return Processes(execution.jobs, resources.threads(execution.jobs), worker.warm)
    from mribench.runner import clusters

    if kind == "slurm":
        return clusters.Slurm(out.absolute() / JOBS / "slurm", **resources.parameters(words))
    return clusters.dask(words)


def work(todo: Iterable[Job], engine: Executor, out: Path, processes: int | None) -> list[Outcome]:
    """The outcome of every job that was done, in order.

    todo: read in a thread of its own, so that the first cells are worked on while others are still being prepared.
    processes: how many run at once where memory allows; None leaves that to the engine. A cell that fails stops no
    other. Raises InputError and OSError, which are not one cell's own, and what ``todo`` raises, when those under way
    are done, and Interrupted after Ctrl-C, when they have saved their state; a second Ctrl-C does not wait for that.
    """
    status.open_for(out)
    with deferred_interrupts() as asked, cell_progress() as display:
        suite = _Suite(engine, out, display)
        source = threading.Thread(target=suite.read, args=(todo,))
        source.start()
        try:
            while source.is_alive() or suite.waiting or suite.running:
                suite.give_out(processes)
                ended, _ = wait(suite.running, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
                if not suite.running:
                    source.join(SECONDS_BETWEEN_LOOKS)
                if asked():
                    suite.stop()
                suite.take_in(ended)
        finally:
            suite.stop()
            source.join()
    if asked():
        raise Interrupted(
            f"interrupted; cells done: {len(suite.outcomes)}; the others keep their last state; run the same command "
            "to go on"
        )
    if suite.refused is not None:
        raise suite.refused
    return [suite.outcomes[job] for job in suite.known]


class _Suite:
    """Which jobs wait, run and are done."""

    def __init__(self, engine: Executor, out: Path, display: CellProgress) -> None:
        self.known: list[Job] = []
        self.waiting, self.running = deque[Job](), dict[Future, Job]()
        self.outcomes: dict[Job, Outcome] = {}
        self._engine, self._out, self._display = engine, out, display
        self._deaths: Counter[Job] = Counter()
        self._heard: dict[Job, Words] = {}
        self._stopping = False
        self.refused: Exception | None = None

    def read(self, todo: Iterable[Job]) -> None:
        """Let jobs wait as they come; in a thread of its own."""
        signals.stop_requested.set(self._ending)
        try:
            for job in todo:
                self.known.append(job)
                self.waiting.append(job)
                if self._ending():
                    return
        except Interrupted:
            return
        except Exception as error:
            self.refused = self.refused or error

    def _ending(self) -> bool:
        return self._stopping or self.refused is not None

    def give_out(self, processes: int | None) -> None:
        if self._ending():
            self.waiting.clear()
        while self.waiting and (processes is None or len(self.running) < self._room(processes)):
            job = self.waiting.popleft()
            status.forget(self._out, job.name)
            self._heard[job] = Words()
            self.running[self._engine.submit(worker.work, job)] = job

    def _room(self, processes: int) -> int:
        unknown = sum(self._heard[job].peak_gib is None for job in self.running.values())
        peak = max((words.peak_gib for words in self._heard.values() if words.peak_gib), default=None)
        return resources.room(processes, len(self.running), unknown, peak, device.free_gib())

    def take_in(self, ended: Iterable[Future]) -> None:
        for job in self.running.values():
            self._listen(job)
        for future in ended:
            job = self.running.pop(future)
            self._display.drop(job.name)
            outcome = self._outcome(future, job)
            if outcome is not None:
                self.outcomes[job] = outcome
                if outcome.error is not None and not concerns_one_cell(outcome.error):
                    self.refused = self.refused or outcome.error

    def stop(self) -> None:
        """Begin nothing new; what runs saves its state and ends."""
        stopping, self._stopping = self._stopping, True
        if self.running and not stopping:
            status.ask_to_stop(self._out)
            for future in self.running:
                future.cancel()

    def _listen(self, job: Job) -> None:
        before, now = self._heard[job], status.heard(self._out, job.name)
        if now is None or now == before:
            return
        self._heard[job] = now
        said = len(before.lines)
        # a cluster may have given the cell to another worker, which begins to speak anew
        for line in now.lines[said:] if now.lines[:said] == before.lines else now.lines:
            say(line)
        if now.title:
            self._display.show(job.name, now.title, now.done, now.total, now.note)

    def _outcome(self, future: Future, job: Job) -> Outcome | None:
        """None where the job waits once more, or was stopped. Raises what is nobody's fault but the code's."""
        error = None if future.cancelled() else future.exception()
        outcome = future.result() if error is None and not future.cancelled() else None
        if outcome is not None and not isinstance(outcome.error, Interrupted):
            return outcome
        if self._stopping:
            return None
        if error is not None and not died(error):
            raise error
        # also where somebody else interrupted or cancelled it: this suite is still to be finished
        self._deaths[job] += 1
        if self._deaths[job] < DEATHS:
            say(f"{job.name}: its worker ended early; another one goes on from the last checkpoint")
            self.waiting.append(job)
            return None
        cause = " ".join(str(error).split()) or "killed"
        return Outcome(
            error=MribenchError(
                f"{job.name}: its worker ended early {DEATHS} times ({cause}); its last checkpoint is kept; give it "
                "more memory, or run with --jobs 1 to see where it ends"
            )
        )
