"""How many cells at once, with how many threads each, and whether there is memory for another.

Convolutions of a small network on a small batch do not keep several cores busy; several networks do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from mribench import device
from mribench.errors import InputError
from mribench.spec import Profile

# below so many training images seen, a cell is done before a second process has imported torch
MIN_IMAGES_FOR_A_PROCESS = 2000
# a process may still grow a little after its first steps
MEMORY_MARGIN = 1.15


@dataclass(frozen=True)
class Execution:
    """Where a suite's cells run; no result depends on it."""

    # ``local``; ``slurm`` or ``slurm:key=value,...`` (submitit's parameters); ``dask:ADDRESS`` of a scheduler
    executor: str = "local"
    jobs: int | None = None  # processes of the local executor: 1 is this process, None lets ``settle`` choose

    @property
    def has_workers(self) -> bool:
        return self.executor != "local" or self.jobs != 1


def settle(asked: Execution, profile: Profile, trainings: int) -> Execution:
    """The execution that was asked for, checked, with its number of local processes.

    Raises InputError where it cannot be done.
    """
    kind, _, arguments = asked.executor.partition(":")
    known = kind in ("local", "slurm", "dask")
    if not known or (kind == "local" and arguments) or (kind == "dask" and not arguments):
        raise InputError(
            f"unknown executor {asked.executor!r}; expected local, slurm, slurm:key=value,... or dask:ADDRESS"
        )
    if asked.jobs is not None and asked.jobs < 1:
        raise InputError(f"jobs must be at least 1, found {asked.jobs}")
    _, world = device.world()
    if world > 1 and (kind != "local" or (asked.jobs or 1) > 1):
        raise InputError("accelerate launch already starts the processes; give neither --jobs nor --executor")
    if kind != "local":
        return replace(asked, jobs=None)
    return replace(asked, jobs=1 if world > 1 else asked.jobs or processes(profile, trainings))


def processes(profile: Profile, trainings: int) -> int:
    """Processes for a suite of so many trainings: one a core on a CPU, one in all on a GPU or for little work.

    Depends only on what is known before the work begins, not on what is left to do or on free memory: the number of
    threads changes the last bits of a convolution, and a resumed run must not change its own.
    """
    here = device.hardware()
    if here.gpu or not worth_processes(profile.batch_size, profile.max_steps):
        return 1
    return max(1, min(trainings, here.threads))


def worth_processes(batch_size: int, steps: int | None) -> bool:
    return steps is None or batch_size * steps >= MIN_IMAGES_FOR_A_PROCESS


def threads(processes: int) -> int:
    """Threads for each of so many processes: this one's, shared out (OMP_NUM_THREADS bounds them)."""
    return max(1, device.hardware().threads // processes)


@contextmanager
def threads_of_this_process(profile: Profile) -> Iterator[None]:
    """Within the block torch has one thread where there is little to compute.

    Two are no faster with so small a network, and wait for each other by spinning: beside other work that keeps two
    cores busy a smoke run of 14 s took more than 250 s, and 28 s with one thread.
    """
    import torch

    before = torch.get_num_threads()
    if not device.hardware().gpu and not worth_processes(profile.batch_size, profile.max_steps):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def room(wanted: int, running: int, unknown: int, peak: float | None, free: float) -> int:
    """How many of ``wanted`` processes may run, of which ``running`` already do; at least one.

    peak: the largest (GiB) that one of them has taken so far; None: none has taken its first steps yet, and the first
    one stays alone. unknown: how many of those running may still grow to it; free: memory (GiB).
    """
    if peak is None:
        return 1
    need = MEMORY_MARGIN * peak
    return max(1, min(wanted, running + int(free / need) - unknown))


def parameters(text: str) -> dict[str, str | int]:
    """'timeout_min=60,slurm_partition=gpu' as a dict; whole numbers become numbers. Raises InputError."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise InputError(f"executor parameters are {text!r}; expected key=value,key=value")
    values = {name.strip(): value.strip() for name, _, value in pairs}
    return {name: int(value) if value.isdecimal() else value for name, value in values.items()}
