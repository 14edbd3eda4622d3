"""Threads and processes: what trains side by side, each process waiting for the word to go on.

``python -m mribench.speed.processes`` is one such process: it reads a number of steps per line, and answers when they
are done.
"""

from __future__ import annotations

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


@contextmanager
def team(
    bench: Any, count: int, threads: int, shared: bool = False, kept: bool = True
) -> Iterator[Callable[[int], None]]:
    """Processes that have made their first step; call with a number of steps, which each of them does.

    shared: they train one model on one batch, as under ``accelerate launch``. kept: the memory they free stays theirs,
    as in a training (``mribench.allocator``).
    """
    what = {"network": asdict(bench.network), "batch": bench.batch, "size": bench.size}
    what |= {"threads": threads, "kept": kept}
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
        go = partial(_go, members)
        go(1)
        yield go
    finally:
        for member in members:
            # nothing of theirs is kept, and taking torch down takes seconds
            member.kill()
            member.communicate()


def _go(members: list[subprocess.Popen], steps: int) -> None:
    for member in members:
        print(steps, file=member.stdin, flush=True)
    for member in members:
        if member.stdout.readline().strip() != "done":
            raise MribenchError(
                "a process that trained for this measurement ended early; its last words stand above"
            )


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _member(what: dict[str, Any]) -> None:
    from mribench.lean import load_diffusers

    load_diffusers()
    import torch

    from mribench import allocator, device, profiles
    from mribench.spec import Network
    from mribench.speed.optimisations import IMAGES, drawn
    from mribench.speed.training import ours

    torch.set_num_threads(what["threads"])
    if what["kept"]:
        allocator.keep(True)
    shape = {name: tuple(x) if isinstance(x, list) else x for name, x in what["network"].items()}
    profile = replace(
        profiles.QUICK, network=Network(**shape), batch_size=what["batch"], size=what["size"], coarse_steps=0
    )
    step, number = ours(profile, drawn(IMAGES, profile.size), device.precision(profile)), 0
    for line in sys.stdin:
        for _ in range(int(line)):
            step(number)
            number += 1
        print("done", flush=True)


if __name__ == "__main__":
    _member(json.loads(sys.argv[1]))
