"""Training images per second: our step and the reference loop, on the same network and batch, in turns.

On a CPU each loop runs in a process of its own, and of several models each, so that none profits from another's memory.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import torch

from mribench import device, profiles
from mribench.provenance import gflops_per_image
from mribench.spec import Network, Profile
from mribench.speed.clock import interleaved, ratio, seconds
from mribench.speed.processes import BLOCK, MAX_PROCESSES, Team, team
from mribench.speed.reference import ReferenceLoop
from mribench.speed.step import N_IMAGES, SMALL_UNET, advance, synthetic_images, training_step
from mribench.variants.ddpm import DDPM


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    name: str
    network: Network
    batch: int
    reference: Network | None  # network of the reference loop; None: it is not run
    together: int = 1  # models that train at once
    compile: bool = False
    rounds: int = 5
    steps: int = 4  # of the reference in one round; our rounds last as long
    size: int = 64
    coarse: float = 0.0  # share of our steps at half the side, in tenths; the reference has none


def cases(on_gpu: bool) -> list[Case]:
    quick, standard, study = (p.network for p in (profiles.QUICK, profiles.STANDARD, profiles.PAPER))
    if not on_gpu:
        small = Case("small U-Net, full resolution", SMALL_UNET, 32, SMALL_UNET, rounds=9)
        alone = [small, replace(small, name="quick (the same on 2x2 patches)", network=quick)]
        # as a suite trains its organs: a process a core
        cores = min(torch.get_num_threads(), MAX_PROCESSES)
        many = [
            replace(c, name=f"{c.name}, {cores} organs together", together=cores, rounds=5) for c in alone
        ]
        share = profiles.QUICK.coarse_steps / profiles.QUICK.max_steps
        sides = [
            replace(c, name=f"{c.name}, {share:.0%} of steps at half the side", coarse=share) for c in alone
        ]
        return alone + sides + (many if cores > 1 else [])
    return [
        Case("small U-Net, full resolution", SMALL_UNET, 32, SMALL_UNET, steps=30),
        Case("quick (the same on 2x2 patches)", quick, 32, SMALL_UNET, steps=30),
        Case("quick, six organs together", quick, 32, SMALL_UNET, together=6, steps=20),
        Case("standard", standard, 32, standard, steps=20),
        Case("standard, six organs together", standard, 32, standard, together=6, steps=10),
        Case("the study's U-Net", study, 32, study, compile=True, steps=10),
        Case("the study's U-Net, batch 128", study, 128, None, compile=True, steps=8),
    ]


def measure(case: Case) -> dict[str, Any]:
    """Images per second of both loops, their ratio, and what is needed for the fraction of the matrix peak.

    In the record ``rounds`` are seconds for ``case.steps`` steps, however many a round had (``steps_per_round``), and
    ``peak_gib`` is the resident memory of the loop's processes together, or GPU memory.
    """
    profile = replace(
        profiles.QUICK,
        network=case.network,
        batch_size=case.batch,
        size=case.size,
        coarse_steps=0,
        compile=case.compile,
    )
    # every ten steps hold their share of coarse ones
    block = BLOCK if case.coarse else 1
    with ExitStack() as stack:
        prepare = _on_gpu if torch.cuda.is_available() else partial(_processes, stack)
        made = {}
        if case.reference:
            # the reference trains the organs of a suite one after another, so one is enough to time
            made["reference"] = seconds_to(lambda: prepare(case, profile, "reference"))
        made["ours"] = seconds_to(lambda: prepare(case, profile, "ours"))
        loops = {name: timed.value for name, timed in made.items()}
        steps = dict.fromkeys(loops, case.steps) | {"ours": max(case.steps, block)}
        warm = {name: seconds(lambda go=go, n=steps[name]: go(n)) for name, go in loops.items()}
        if case.reference:
            # rounds of equal length, so that a loop finds nothing of its own in the caches when its turn comes again
            once = {name: seconds(lambda go=go, n=steps[name]: go(n)) for name, go in loops.items()}
            blocks = round(steps["ours"] * once["reference"] / once["ours"] / block)
            steps["ours"] = max(steps["ours"], blocks * block)
        taken = interleaved({name: partial(go, steps[name]) for name, go in loops.items()}, case.rounds)
    taken["ours"] = [s * case.steps / steps["ours"] for s in taken["ours"]]
    net, side = DDPM.network(profile), profile.size
    per_image = 3 * (1 - case.coarse) * gflops_per_image(net, side)
    if case.coarse:
        per_image += 3 * case.coarse * gflops_per_image(net, side // 2)
    count = {"reference": 1, "ours": case.together}
    rates = {
        name: round(count[name] * case.steps * case.batch / median(rounds), 1)
        for name, rounds in taken.items()
    }
    found = {
        "name": case.name,
        "batch": case.batch,
        "models_together": case.together,
        "coarse": case.coarse,
        "parameters": sum(p.numel() for p in DDPM.network(profile).parameters()),
        "train_gflops_per_image": round(per_image, 3),
        "precision": device.precision(profile),
        "compiled": case.compile and torch.cuda.is_available(),
        "images_per_second": rates,
        "seconds_before_the_first_round": {"ours": round(made["ours"].seconds + warm["ours"], 1)},
        "steps_per_round": steps,
        "peak_gib": {name: go.peak_gib for name, go in loops.items()},
        "rounds": {name: [round(s, 4) for s in rounds] for name, rounds in taken.items()},
        "tflops": round(rates["ours"] * per_image / 1e3, 3),
    }
    if case.reference:
        slow = [s * case.together for s in taken["reference"]]
        found["ratio"] = ratio(slow, taken["ours"])
    return found


def _processes(stack: ExitStack, case: Case, profile: Profile, name: str) -> Team:
    threads = torch.get_num_threads()
    if name == "reference":
        return stack.enter_context(team(replace(case, network=case.reference), 1, threads, reference=True))
    return stack.enter_context(team(case, case.together, threads // case.together, coarse=case.coarse))


def _on_gpu(case: Case, profile: Profile, name: str) -> OnGpu:
    images = synthetic_images(N_IMAGES, profile.size)
    if name == "reference":
        plain = DDPM.network(replace(profile, network=case.reference))
        return OnGpu(lambda: ReferenceLoop(plain, DDPM.scheduler(profile), images, case.batch))
    precision = device.precision(profile)
    return OnGpu(
        lambda: partial(
            advance, [training_step(profile, images, precision, seed) for seed in range(case.together)]
        )
    )


class OnGpu:
    """A loop in this process, called with a number of steps."""

    def __init__(self, make: Callable[[], Callable[[int], Any]]) -> None:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        self._go = make()
        self._go(1)
        # GPU memory that the first step took
        self.peak_gib = round((torch.cuda.max_memory_allocated() - before) / 1024**3, 3)

    def __call__(self, steps: int) -> None:
        self._go(steps)


@dataclass(frozen=True)
class Timed:
    value: Any
    seconds: float


def seconds_to(make: Callable[[], Any]) -> Timed:
    values: list[Any] = []
    taken = seconds(lambda: values.append(make()))
    return Timed(values[0], taken)
