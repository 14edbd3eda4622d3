"""Clusters behind ``concurrent.futures.Executor``: Slurm by submitit, Dask by dask.distributed; both optional."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

from mribench.errors import InputError

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_FOR_A_DASK_WORKER = 60


class Slurm(Executor):
    """Each call a Slurm job, by submitit, whose files lie in ``folder``.

    parameters: those of ``submitit.AutoExecutor.update_parameters``; ``cluster="local"`` runs the jobs as processes
    here. A job that reaches its time limit is sent again by submitit and goes on. Raises InputError where submitit
    or Slurm are missing or a parameter is unknown.
    """

    def __init__(self, folder: Path, **parameters: Any) -> None:
        try:
            import submitit
        except ImportError as error:
            raise InputError(
                "executor slurm needs the package submitit; pip install mribench[slurm]"
            ) from error
        cluster = parameters.pop("cluster", "slurm")
        if cluster == "slurm" and shutil.which("sbatch") is None:
            raise InputError(
                "executor slurm needs the command sbatch, which was not found; run on a login node"
            )
        try:
            self._engine = submitit.AutoExecutor(folder, cluster=cluster)
            self._engine.update_parameters(**{"name": "mribench"} | parameters)
        except (NameError, TypeError, ValueError) as error:
            raise InputError(f"executor slurm: {error}; see submitit's update_parameters") from error
        self._open: list[_Submitted] = []
        self._change = threading.Lock()
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future = _Submitted(self._engine.submit(Resubmitted(function), *args, **kwargs))
        future.set_running_or_notify_cancel()
        with self._change:
            self._open.append(future)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for future in list(self._open) if cancel_futures else []:
            future.cancel()
        while wait and self._open:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        self._closing.set()

    def _watch(self) -> None:
        while not self._closing.wait(SECONDS_BETWEEN_LOOKS):
            for future in [future for future in self._open if future.job.done()]:
                future.settle()
                with self._change:
                    self._open.remove(future)


class _Submitted(Future):
    """The future of a submitit job."""

    def __init__(self, job: Any) -> None:
        super().__init__()
        self.job = job

    def cancel(self) -> bool:
        """Slurm sends SIGTERM, on which training saves its state, and half a minute later SIGKILL."""
        self.job.cancel(check=False)
        return False

    def settle(self) -> None:
        from submitit.core.utils import FailedJobError, UncompletedJobError

        try:
            self.set_result(self.job.result())
        except UncompletedJobError as error:
            # a failed function is its own affair; a job without any outcome was killed
            killed = not isinstance(error, FailedJobError)
            self.set_exception(BrokenExecutor(str(error)) if killed else error)
        except Exception as error:
            self.set_exception(error)


class Resubmitted:
    """A function that submitit submits again, with the same arguments, when its job reaches its time limit."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def checkpoint(self, *args: Any, **kwargs: Any) -> Any:
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *args, **kwargs)


def dask(address: str) -> Executor:
    """The executor of a running Dask cluster; Dask itself gives a dead worker's call to another one.

    Raises InputError where the package, the scheduler or its workers are missing, or a worker has several threads:
    torch's random state belongs to a process, so a process does one thing at a time.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("executor dask needs the package distributed; pip install mribench[dask]") from error
    advice = f"start some with `dask worker {address} --nthreads 1`"
    try:
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address!r}; start one with `dask scheduler`"
        ) from error
    try:
        client.wait_for_workers(1, timeout=SECONDS_FOR_A_DASK_WORKER)
    except TimeoutError as error:
        client.close()
        raise InputError(f"the Dask scheduler at {address} has no workers; {advice}") from error
    threads = {worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()}
    if threads != {1}:
        client.close()
        raise InputError(f"Dask workers have {max(threads)} threads, expected 1; {advice}")
    return client.get_executor(pure=False)
