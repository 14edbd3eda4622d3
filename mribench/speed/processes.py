"""Training in several processes, against several threads in one.

``python -m mribench.speed.processes`` is one of these processes. It reads a number of steps per line, makes them, and
answers with its peak memory.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from mribench import signals
from mribench.errors import MribenchError

ROW_NAMES = "a process a core, not a thread a core", "one training on two processes", "freed memory kept"
MAX_PROCESSES = 8  # each holds torch and a training
BLOCK = 10  # steps, of which a share is coarse


def measure(bench: Any) -> list[dict[str, Any]]:
    """Three rows of the table of optimisations.

    1. As many trainings as there are threads, against one after the other with all threads; not with one thread only.
       A step is one of each training.
    2. One training shared by two processes of one thread (gloo), against one such process.
    3. That process, against one that gives freed memory back.

    ``efficiency`` is the share of the speed that so many processes would have if none slowed another.
    """
    import torch

    from mribench.speed.clock import interleaved, seconds, speedup_row

    threads = min(torch.get_num_threads(), MAX_PROCESSES)
    with ExitStack() as stack:

        def start(*args: Any, **kwargs: Any) -> Team:
            return stack.enter_context(team(bench, *args, **kwargs))

        members = {
            "alone": start(1, 1),
            "shared": start(2, 1, shared=True),
            "given back": start(1, 1, retain_memory=False),
        }
        work: dict[str, Callable[[], Any]] = {name: partial(go, bench.steps) for name, go in members.items()}
        if threads > 1:
            many, wide = start(threads, 1), start(1, threads)
            work |= {"many": partial(many, bench.steps), "wide": partial(wide, threads * bench.steps)}
        for piece in work.values():
            seconds(piece)
        taken = interleaved(work, bench.rounds)
    rows = []
    if threads > 1:
        row = speedup_row(ROW_NAMES[0], bench.name, True, taken["wide"], taken["many"], bench.steps)
        # without mutual slowing each process would train its own in the time of ``alone``
        rows.append(row | {"processes": threads, "efficiency": _share(taken["alone"], taken["many"])})
    row = speedup_row(ROW_NAMES[1], bench.name, True, taken["alone"], taken["shared"], bench.steps)
    half = [s / 2 for s in taken["alone"]]
    rows.append(row | {"processes": 2, "efficiency": _share(half, taken["shared"])})
    rows.append(speedup_row(ROW_NAMES[2], bench.name, True, taken["given back"], taken["alone"], bench.steps))
    return [row | {"batch": bench.batch} for row in rows]


def _share(ideal: list[float], taken: list[float]) -> float:
    from mribench.speed.clock import ratio

    return ratio(ideal, taken)["median"]


class Team:
    """Processes that train; called with a number of steps, which each of them makes."""

    def __init__(self, members: list[subprocess.Popen]) -> None:
        self._members = members
        self.peak_gib = 0.0  # sum of the largest resident sets so far

    def __call__(self, steps: int) -> None:
        for member in self._members:
            print(steps, file=member.stdin, flush=True)
        answers = [member.stdout.readline().split() for member in self._members]
        if any(answer[:1] != ["done"] for answer in answers):
            raise MribenchError(
                "a process that trained for this measurement ended early; see its error message above"
            )
        self.peak_gib = round(sum(float(peak) for _, peak in answers), 3)


@contextmanager
def team(
    bench: Any,
    count: int,
    threads: int,
    shared: bool = False,
    retain_memory: bool = True,
    reference: bool = False,
    coarse: float = 0.0,
) -> Iterator[Team]:
    """Processes that have made their first step.

    Args:
        bench: network, batch and size.
        count: of processes.
        threads: of each.
        shared: whether they train one model on one batch, as under ``accelerate launch``.
        retain_memory: whether freed memory stays theirs, as in a training (``mribench.training.malloc``).
        reference: whether they run the reference loop.
        coarse: share of the steps at half the side, in tenths.
    """
    settings = {
        "network": asdict(bench.network),
        "batch": bench.batch,
        "size": bench.size,
        "threads": threads,
        "coarse": coarse,
    }
    settings |= {"retain_memory": retain_memory and not reference, "reference": reference}
    port, members = _free_port(), []
    try:
        for rank in range(count):
            environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
            if shared:
                environment |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
                environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            command = [sys.executable, "-m", "mribench.speed.processes", json.dumps(settings)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            with signals.withheld():
                members.append(subprocess.Popen(command, env=environment, **pipes))
        processes = Team(members)
        processes(1)
        yield processes
    finally:
        for member in members:
            # they hold nothing that is needed, and an orderly end of torch takes seconds
            member.kill()
            member.communicate()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _member(settings: dict[str, Any]) -> None:
    from mribench import provenance

    loop = _reference(settings) if settings["reference"] else _ours(settings)
    for line in sys.stdin:
        loop(int(line))
        print("done", provenance.peak_memory_gib()["process_peak_gib"], flush=True)


def _ours(settings: dict[str, Any]) -> Callable[[int], None]:
    from mribench.training.imports import load_diffusers

    load_diffusers()
    import torch

    from mribench import device
    from mribench.speed.step import N_IMAGES, SCHEDULE_STEPS, synthetic_images, training_step
    from mribench.training import malloc

    torch.set_num_threads(settings["threads"])
    if settings["retain_memory"]:
        malloc.set_retention(True)
    profile = _profile(settings)
    images = synthetic_images(N_IMAGES, profile.size)
    numbers = step_numbers(profile.coarse_steps, SCHEDULE_STEPS)
    step = training_step(profile, images, device.precision(profile))

    def loop(steps: int) -> None:
        for number in itertools.islice(numbers, steps):
            step(number)

    return loop


def step_numbers(coarse: int, total: int) -> Iterator[int]:
    """The steps of a schedule that begins with coarse ones, in blocks that hold both kinds in their shares."""
    early, late = iter(range(coarse)), iter(range(coarse, total))
    share = round(BLOCK * coarse / total)
    for _ in range(total // BLOCK):
        yield from itertools.islice(early, share)
        yield from itertools.islice(late, BLOCK - share)


def _reference(settings: dict[str, Any]) -> Callable[[int], None]:
    import torch

    from mribench.speed.reference import ReferenceLoop
    from mribench.speed.step import N_IMAGES, synthetic_images
    from mribench.variants.ddpm import DDPM

    torch.set_num_threads(settings["threads"])
    profile = _profile(settings)
    net, scheduler = DDPM.network(profile), DDPM.scheduler(profile)
    return ReferenceLoop(net, scheduler, synthetic_images(N_IMAGES, profile.size), profile.batch_size)


def _profile(settings: dict[str, Any]) -> Any:
    from mribench import profiles
    from mribench.spec import Network
    from mribench.speed.step import SCHEDULE_STEPS

    shape = {name: tuple(x) if isinstance(x, list) else x for name, x in settings["network"].items()}
    return replace(
        profiles.QUICK,
        network=Network(**shape),
        batch_size=settings["batch"],
        size=settings["size"],
        coarse_steps=round(settings["coarse"] * SCHEDULE_STEPS),
    )


if __name__ == "__main__":
    signals.leave_to_parent()
    _member(json.loads(sys.argv[1]))
