"""Processes for the trainings of ``mribench tune``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import as_completed
from contextlib import contextmanager
from typing import Any

from mribench.progress import listener
from mribench.runner import resources
from mribench.runner.executors import Processes
from mribench.runner.worker import warm_up


@contextmanager
def worker_pool(processes: int) -> Iterator[Callable[[Mapping[Any, tuple]], Iterator[tuple[Any, Any]]]]:
    """Yields a function that makes named calls (function, *arguments) and yields (name, result) as each ends."""
    if processes == 1:
        yield lambda calls: ((name, function(*args)) for name, (function, *args) in calls.items())
        return
    with Processes(processes, resources.threads(processes), warm_up) as workers:

        def run_calls(calls: Mapping[Any, tuple]) -> Iterator[tuple[Any, Any]]:
            futures = {workers.submit(_silently, *call): name for name, call in calls.items()}
            return ((futures[future], future.result()) for future in as_completed(futures))

        try:
            yield run_calls
        except BaseException:
            workers.shutdown(wait=False, cancel_futures=True)
            workers.kill()
            raise


class _Silent:
    """A ``ProgressListener`` that drops everything: lines of several workers would mix."""

    def say(self, text: str) -> None: ...

    def show(self, title: str, done: int, total: int, note: str) -> None: ...


def _silently(function: Callable[..., Any], *args: Any) -> Any:
    listener.set(_Silent())
    return function(*args)
