"""Threads and processes: what trains side by side, each process waiting for the word to go on.

``python -m mribench.speed.processes`` is one such process: it reads a number of steps per line, and answers when they
are done with the memory it has taken.
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

from mribench.errors import MribenchError

NAMES = "a process a core, not a thread a core", "one training on two processes", "freed memory kept"
MOST = 8  # each holds torch and a training


def measure(bench: Any) -> list[dict[str, Any]]:
    """Three rows: as many trainings as there are threads, against one with all of them; one training shared by two
    processes of one thread (gloo), against one such process; and that process against one that gives the memory it
    frees back. With one thread the first cannot be measured.

    A step of the first row is one for each of the trainings. efficiency: share of so many processes' whole speed.
    """
    import torch

    from mribench.speed.clock import interleaved, seconds
    from mribench.speed.optimisations import compared

    threads = min(torch.get_num_threads(), MOST)
    with ExitStack() as stack:
        start = lambda *words, **more: stack.enter_context(team(bench, *words, **more))  # noqa: E731
        members = {
            "alone": start(1, 1),
            "shared": start(2, 1, shared=True),
            "given back": start(1, 1, kept=False),
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
        row = compared(NAMES[0], bench.name, True, taken["wide"], taken["many"], bench.steps)
        # the same number of trainings: one process of one thread does its own in the time of ``alone``
        rows.append(row | {"processes": threads, "efficiency": _share(taken["alone"], taken["many"])})
    row = compared(NAMES[1], bench.name, True, taken["alone"], taken["shared"], bench.steps)
    half = [s / 2 for s in taken["alone"]]
    rows.append(row | {"processes": 2, "efficiency": _share(half, taken["shared"])})
    rows.append(compared(NAMES[2], bench.name, True, taken["given back"], taken["alone"], bench.steps))
    return [row | {"batch": bench.batch} for row in rows]


def _share(ideal: list[float], taken: list[float]) -> float:
    from mribench.speed.clock import ratio

    return ratio(ideal, taken)["median"]


class Team:
    """Call with a number of steps, which each of the processes does. peak_gib: the memory that they have taken so far,
    the sum of their largest resident sets."""

    def __init__(self, members: list[subprocess.Popen]) -> None:
        self._members, self.peak_gib = members, 0.0

    def __call__(self, steps: int) -> None:
        for member in self._members:
            print(steps, file=member.stdin, flush=True)
        answers = [member.stdout.readline().split() for member in self._members]
        if any(answer[:1] != ["done"] for answer in answers):
            raise MribenchError(
                "a process that trained for this measurement ended early; its last words stand above"
            )
        self.peak_gib = round(sum(float(peak) for _, peak in answers), 3)


@contextmanager
def team(
    bench: Any, count: int, threads: int, shared: bool = False, kept: bool = True, reference: bool = False
) -> Iterator[Team]:
    """Processes that have made their first step.

    shared: they train one model on one batch, as under ``accelerate launch``. kept: the memory they free stays theirs,
    as in a training (``mribench.training.malloc``). reference: they run the reference loop.
    """
    what = {"network": asdict(bench.network), "batch": bench.batch, "size": bench.size}
    what |= {"threads": threads, "kept": kept and not reference, "reference": reference}
    port, members = _free_port(), []
    try:
        for rank in range(count):
            told = os.environ | {"OMP_NUM_THREADS": str(threads)}
            if shared:
                told |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
                told |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
            members.append(
                subprocess.Popen(
                    [sys.executable, "-m", "mribench.speed.processes", json.dumps(what)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env=told,
                )
            )
        go = Team(members)
        go(1)
        yield go
    finally:
        for member in members:
            # nothing of theirs is kept, and taking torch down takes seconds
            member.kill()
            member.communicate()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _member(what: dict[str, Any]) -> None:
    from mribench import provenance

    loop = _reference(what) if what["reference"] else _ours(what)
    for line in sys.stdin:
        loop(int(line))
        print("done", provenance.peak_memory_gib()["process_peak_gib"], flush=True)


def _ours(what: dict[str, Any]) -> Callable[[int], None]:
    from mribench.training.imports import load_diffusers

    load_diffusers()
    import torch

    from mribench import device
    from mribench.speed.images import IMAGES, drawn
    from mribench.speed.training import ours
    from mribench.training import malloc

    torch.set_num_threads(what["threads"])
    if what["kept"]:
        malloc.set_retention(True)
    profile = _profile(what)
    step, numbers = ours(profile, drawn(IMAGES, profile.size), device.precision(profile)), itertools.count()

    def loop(steps: int) -> None:
        for number in itertools.islice(numbers, steps):
            step(number)

    return loop


def _reference(what: dict[str, Any]) -> Callable[[int], None]:
    import torch

    from mribench.speed.images import IMAGES, drawn
    from mribench.speed.reference import ReferenceLoop
    from mribench.variants.ddpm import DDPM

    torch.set_num_threads(what["threads"])
    profile = _profile(what)
    net, scheduler = DDPM.network(profile), DDPM.scheduler(profile)
    return ReferenceLoop(net, scheduler, drawn(IMAGES, profile.size), profile.batch_size)


def _profile(what: dict[str, Any]) -> Any:
    from mribench import profiles
    from mribench.spec import Network

    shape = {name: tuple(x) if isinstance(x, list) else x for name, x in what["network"].items()}
    return replace(
        profiles.QUICK, network=Network(**shape), batch_size=what["batch"], size=what["size"], coarse_steps=0
    )


if __name__ == "__main__":
    _member(json.loads(sys.argv[1]))
