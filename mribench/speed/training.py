"""Training images per second: our step beside the reference loop, on the same network and batch, in turns.

On a CPU either runs in a process of its own, and several models in one each: what one does with its memory is nothing
to the other.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch

from mribench import device, profiles
from mribench.provenance import gflops_per_image
from mribench.spec import Network, Profile
from mribench.speed.clock import finish, interleaved, ratio, seconds
from mribench.speed.images import IMAGES, drawn
from mribench.speed.processes import MOST, Team, team
from mribench.speed.reference import ReferenceLoop
from mribench.training.fused import optimize
from mribench.training.loader import InMemory
from mribench.training.step import Autocast, Step, batches
from mribench.training.train import launch, make_optimizer
from mribench.variants.ddpm import DDPM

TOTAL = 10_000  # steps of the schedule that the timed ones are taken from
FAMILY = Network(channels=(32, 64, 128, 128), layers_per_block=1)


@dataclass(frozen=True)
class Case:
    """One line of the table. reference: the network of the reference loop (None: it is not run); together: models that
    train at once; rounds x steps of the reference are timed, and ours as long."""

    name: str
    network: Network
    batch: int
    reference: Network | None
    together: int = 1
    compile: bool = False
    rounds: int = 5
    steps: int = 4
    size: int = 64


def cases(on_gpu: bool) -> list[Case]:
    quick, standard, study = (p.network for p in (profiles.QUICK, profiles.STANDARD, profiles.PAPER))
    if not on_gpu:
        small = Case("small U-Net, full resolution", FAMILY, 32, FAMILY, rounds=9)
        alone = [small, replace(small, name="quick (the same on 2x2 patches)", network=quick)]
        # as a suite trains its organs: a process a core
        cores = min(torch.get_num_threads(), MOST)
        many = [
            replace(c, name=f"{c.name}, {cores} organs together", together=cores, rounds=5) for c in alone
        ]
        return alone + (many if cores > 1 else [])
    return [
        Case("small U-Net, full resolution", FAMILY, 32, FAMILY, steps=30),
        Case("quick (the same on 2x2 patches)", quick, 32, FAMILY, steps=30),
        Case("quick, six organs together", quick, 32, FAMILY, together=6, steps=20),
        Case("standard", standard, 32, standard, steps=20),
        Case("standard, six organs together", standard, 32, standard, together=6, steps=10),
        Case("the study's U-Net", study, 32, study, compile=True, steps=10),
        Case("the study's U-Net, batch 128", study, 128, None, compile=True, steps=8),
    ]


def measure(case: Case) -> dict[str, Any]:
    """Images per second of both, their ratio over the rounds, and the fraction of the measured matrix peak.

    rounds: seconds for ``case.steps`` steps each, however many a round took (``steps_per_round``). peak_gib: resident
    memory of the loop's processes together, or GPU memory.
    """
    profile = replace(
        profiles.QUICK,
        network=case.network,
        batch_size=case.batch,
        size=case.size,
        coarse_steps=0,
        compile=case.compile,
    )
    with ExitStack() as stack:
        prepare = _on_gpu if torch.cuda.is_available() else partial(_processes, stack)
        made = {}
        if case.reference:
            # the reference trains the organs of a suite one after another: one of them is as fast as the next
            made["reference"] = seconds_to(lambda: prepare(case, profile, "reference"))
        made["ours"] = seconds_to(lambda: prepare(case, profile, "ours"))
        loops = {name: timed.value for name, timed in made.items()}
        warm = {name: seconds(lambda go=go: go(case.steps)) for name, go in loops.items()}
        steps = dict.fromkeys(loops, case.steps)
        if case.reference:
            # rounds of equal length: when its turn comes again, a loop finds nothing of its own in the caches
            once = [seconds(lambda go=go: go(case.steps)) for go in loops.values()]
            steps["ours"] = max(case.steps, round(case.steps * once[0] / once[1]))
        taken = interleaved({name: partial(go, steps[name]) for name, go in loops.items()}, case.rounds)
    taken["ours"] = [s * case.steps / steps["ours"] for s in taken["ours"]]
    per_image = 3 * gflops_per_image(DDPM.network(profile), profile.size)
    count = {"reference": 1, "ours": case.together}
    rates = {
        name: round(count[name] * case.steps * case.batch / median(rounds), 1)
        for name, rounds in taken.items()
    }
    found = {
        "name": case.name,
        "batch": case.batch,
        "models_together": case.together,
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
    return stack.enter_context(team(case, case.together, threads // case.together))


def _on_gpu(case: Case, profile: Profile, name: str) -> OnGpu:
    images = drawn(IMAGES, profile.size)
    if name == "reference":
        plain = DDPM.network(replace(profile, network=case.reference))
        return OnGpu(lambda: ReferenceLoop(plain, DDPM.scheduler(profile), images, case.batch))
    precision = device.precision(profile)
    return OnGpu(
        lambda: partial(advance, [ours(profile, images, precision, seed) for seed in range(case.together)])
    )


class OnGpu:
    """A loop in this process; call with a number of steps. peak_gib: GPU memory that its first step took."""

    def __init__(self, make: Callable[[], Callable[[int], Any]]) -> None:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        self._go = make()
        self._go(1)
        self.peak_gib = round((torch.cuda.max_memory_allocated() - before) / 1024**3, 3)

    def __call__(self, steps: int) -> None:
        self._go(steps)


@dataclass(frozen=True)
class Timed:
    value: Any
    seconds: float


def seconds_to(make: Callable[[], Any]) -> Timed:
    kept: list[Any] = []
    taken = seconds(lambda: kept.append(make()))
    return Timed(kept[0], taken)


def ours(
    profile: Profile,
    images: np.ndarray,
    precision: str,
    seed: int = 0,
    arrange: Callable[[torch.nn.Module, str], torch.nn.Module] = optimize,
    optimizer: Callable[[torch.nn.Module, Profile, torch.device], torch.optim.Optimizer] = make_optimizer,
    feed: Callable[[np.ndarray, np.ndarray, torch.device], Any] = InMemory,
    average: bool = True,
    graph: bool = True,
) -> Step:
    """The step that ``mribench run`` trains with; what follows the seed lets one part of it be another.

    images: uint8 (n, H, W). arrange: of the network; feed: of images; average: keep a moving one of the weights; graph:
    a CUDA graph on a GPU.
    """
    where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    accelerator = device.accelerator(precision)
    torch.manual_seed(seed)
    raw = arrange(DDPM.network(profile).to(where), precision)
    step = Step(
        variant=DDPM,
        scheduler=DDPM.scheduler(profile),
        net=raw,
        raw=raw,
        optimizer=optimizer(raw, profile, where),
        ema=[p.detach().clone() for p in raw.parameters()] if average else None,
        feed=feed(images, batches(len(images), profile.batch_size, TOTAL, seed), where),
        profile=profile,
        seed=seed,
        total=TOTAL,
        accelerator=accelerator,
    )
    if where.type == "cuda" and not graph:
        return replace(step, net=Autocast(raw, precision))
    step, _ = launch(step, precision, 0, "speed")
    return step


def advance(models: list[Step], steps: int) -> None:
    """So many steps of each, side by side on streams where there are several."""
    if len(models) == 1:
        for step in range(steps):
            models[0](step)
        return
    streams = [torch.cuda.Stream() for _ in models]
    for step in range(steps):
        for model, stream in zip(models, streams, strict=True):
            with torch.cuda.stream(stream):
                model(step)
    finish()
