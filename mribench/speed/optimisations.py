"""What each optimisation is worth: our training step beside itself with one thing switched, interleaved.

What was tried and does not pay stays in the table, marked as not in use. Every ratio is seconds without over seconds
with: above 1 it pays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

from mribench import device, profiles
from mribench.spec import Network, Profile
from mribench.speed.clock import interleaved, ratio, seconds
from mribench.speed.images import IMAGES, drawn
from mribench.speed.switches import COMPILE, Loop, switches
from mribench.speed.training import FAMILY, advance, ours


@dataclass(frozen=True)
class Bench:
    """A network and how long it is timed: rounds x steps of each loop."""

    name: str
    network: Network
    batch: int = 32
    size: int = 64
    rounds: int = 5
    steps: int = 2

    def profile(self, **changes: Any) -> Profile:
        one = replace(profiles.QUICK, network=self.network, batch_size=self.batch, size=self.size)
        return replace(one, coarse_steps=0, **changes)


def benches(on_gpu: bool) -> list[Bench]:
    steps = 20 if on_gpu else 2
    return [
        Bench("small U-Net, full resolution", FAMILY, steps=steps),
        Bench("quick", profiles.QUICK.network, rounds=9, steps=2 * steps),
    ]


def measure(bench: Bench, compile: bool = False) -> list[dict[str, Any]]:
    """One row per switch: seconds per step without and with it, their ratio over the rounds.

    compile: also torch.compile, whose compilation may take minutes.
    """
    images = drawn(IMAGES, bench.size)
    chosen = switches(bench.profile(), images, compile)
    makes = {"ours": lambda: ours(bench.profile(), images, device.precision(bench.profile()))}
    makes |= {switch.name: switch.make for switch in chosen}
    loops: dict[str, Loop] = {}
    ready = {name: seconds(partial(_begin, loops, name, make)) for name, make in makes.items()}
    taken = interleaved(
        {name: partial(_run, loop, bench.steps) for name, loop in loops.items()}, bench.rounds
    )
    rows = []
    for switch in chosen:
        pair = taken["ours"], taken[switch.name]
        without, having = pair if switch.on else pair[::-1]
        row = compared(switch.name, bench.name, switch.used, without, having, bench.steps)
        if switch.name == COMPILE:
            row["seconds_before_the_second_step"] = round(ready[COMPILE], 1)
        rows.append(row | {"batch": bench.batch})
    return rows


def compared(
    name: str, network: str, used: bool, without: list[float], having: list[float], steps: int
) -> dict[str, Any]:
    """A row from the seconds of each round of so many steps."""
    rounds = {"without": without, "with": having}
    return {
        "name": name,
        "network": network,
        "used": used,
        "seconds_per_step": {side: round(median(taken) / steps, 5) for side, taken in rounds.items()},
        "ratio": ratio(without, having),
        "rounds": {side: [round(s, 4) for s in taken] for side, taken in rounds.items()},
    }


def together(bench: Bench, models: int = 6) -> list[dict[str, Any]]:
    """Several models on CUDA streams beside one after the other; a step is one of each."""
    images, profile = drawn(IMAGES, bench.size), bench.profile()
    steps = [ours(profile, images, device.precision(profile), seed) for seed in range(models)]
    work = {
        "without": lambda: [_run(step, bench.steps) for step in steps],
        "with": lambda: advance(steps, bench.steps),
    }
    for piece in work.values():
        seconds(piece)
    taken = interleaved(work, bench.rounds)
    row = compared(
        f"{models} models on streams", bench.name, True, taken["without"], taken["with"], bench.steps
    )
    return [row | {"batch": bench.batch}]


def _begin(loops: dict[str, Loop], name: str, make: Callable[[], Loop]) -> None:
    """Make a loop and let it choose its algorithms, or compile, in a first step."""
    loops[name] = make()
    _run(loops[name], 1)


def _run(loop: Loop, steps: int) -> None:
    for step in range(steps):
        loop(step)
