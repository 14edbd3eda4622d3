"""What each optimisation is worth: our training step with and without it, in turns.

What was tried and does not pay stays in the table, marked as not in use. Every ratio is seconds without over seconds
with: above 1 it pays.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from mribench import device, profiles
from mribench.spec import Network, Profile
from mribench.speed.clock import interleaved, multiplies_bf16, seconds, speedup_row
from mribench.speed.step import (
    N_IMAGES,
    SCHEDULE_STEPS,
    SMALL_UNET,
    advance,
    synthetic_images,
    training_step,
)
from mribench.training import fused
from mribench.training.fused import optimize
from mribench.training.loader import Prefetched
from mribench.training.step import Step, ema_weight

Loop = Callable[[int], Any]
COMPILE = "torch.compile"
# what ``optimize`` does to a network on a CPU
NETWORK_OPTIMISATIONS = {
    "sub-pixel upsampling": fused.with_subpixel_upsampling,
}


@dataclass(frozen=True)
class Bench:
    """A network, and how long each of its steps is timed."""

    name: str
    network: Network
    batch: int = 32
    size: int = 64
    rounds: int = 5
    steps: int = 2  # of a round

    def profile(self, **changes: Any) -> Profile:
        profile = replace(profiles.QUICK, network=self.network, batch_size=self.batch, size=self.size)
        return replace(profile, coarse_steps=0, **changes)


def benches(on_gpu: bool) -> list[Bench]:
    steps = 20 if on_gpu else 2
    return [
        Bench("small U-Net, full resolution", SMALL_UNET, steps=steps),
        Bench("quick", profiles.QUICK.network, rounds=9, steps=2 * steps),
    ]


def measure(bench: Bench, compile: bool = False) -> list[dict[str, Any]]:
    """One row per optimisation: seconds per step without and with it, and their ratio.

    compile: also torch.compile, whose compilation may take minutes.
    """
    images = synthetic_images(N_IMAGES, bench.size)
    chosen = ablations(bench.profile(), images, compile)
    makes = {"ours": lambda: training_step(bench.profile(), images, device.precision(bench.profile()))}
    makes |= {ablation.name: ablation.make for ablation in chosen}
    loops: dict[str, Loop] = {}
    ready = {name: seconds(partial(_begin, loops, name, make)) for name, make in makes.items()}
    taken = interleaved(
        {name: partial(_run, loop, bench.steps) for name, loop in loops.items()}, bench.rounds
    )
    rows = []
    for ablation in chosen:
        pair = taken["ours"], taken[ablation.name]
        without, having = pair if ablation.adds else pair[::-1]
        row = speedup_row(ablation.name, bench.name, ablation.used, without, having, bench.steps)
        if ablation.name == COMPILE:
            row["seconds_before_the_second_step"] = round(ready[COMPILE], 1)
        rows.append(row | {"batch": bench.batch})
    return rows


def concurrent_models(bench: Bench, models: int = 6) -> list[dict[str, Any]]:
    """Several models on CUDA streams, against one after the other; a step is one of each."""
    images, profile = synthetic_images(N_IMAGES, bench.size), bench.profile()
    steps = [training_step(profile, images, device.precision(profile), seed) for seed in range(models)]
    work = {
        "without": lambda: [_run(step, bench.steps) for step in steps],
        "with": lambda: advance(steps, bench.steps),
    }
    for piece in work.values():
        seconds(piece)
    taken = interleaved(work, bench.rounds)
    row = speedup_row(
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


@dataclass(frozen=True)
class Ablation:
    """One optimisation, and the step that differs from ours in it alone."""

    name: str
    used: bool  # whether our step has it on this device
    adds: bool  # whether ``make`` gives a step with it; else a step without it
    make: Callable[[], Loop]


def ablations(profile: Profile, images: np.ndarray, compile: bool = False) -> list[Ablation]:
    """All that are measured on this device."""
    on_gpu = torch.cuda.is_available()
    mixed = device.precision(profile)
    channels_last = on_gpu and mixed == "bf16"  # as ``optimize`` arranges it
    make = partial(training_step, profile, images, mixed)
    half = mixed if mixed != "fp32" else "bf16"
    measured = []
    if mixed != "fp32" or multiplies_bf16():
        measured.append(
            Ablation(
                f"{half} in place of fp32",
                mixed != "fp32",
                mixed == "fp32",
                lambda: _in_other_precision(profile, images, mixed),
            )
        )
    measured += [
        Ablation(
            "fused Adam, not foreach", True, False, lambda: make(optimizer=_adamw(fused=False, foreach=True))
        ),
        Ablation(
            "fused Adam, not a loop", True, False, lambda: make(optimizer=_adamw(fused=False, foreach=False))
        ),
        Ablation(
            "foreach average, not a loop", True, False, lambda: _with_averaging_loop(make(average=False))
        ),
        Ablation("set on the device, not PNG decoding", True, False, lambda: make(feed=PngLoader)),
        Ablation("set on the device, not streamed", True, False, lambda: make(feed=Prefetched)),
        Ablation("loss left on the device", True, False, lambda: _waiting_for_loss(make())),
        Ablation("channels last", channels_last, not channels_last, lambda: make(arrange=_in_other_layout)),
        Ablation(
            "coarse steps (half the side)", True, True, lambda: _with_coarse_steps(profile, images, mixed)
        ),
    ]
    if mixed == "bf16":
        measured.append(Ablation("group norm in bf16", True, False, lambda: make(arrange=_norm_in_fp32)))
    if not on_gpu:
        measured += [
            Ablation(name, True, False, partial(make, arrange=_without(part)))
            for name, part in NETWORK_OPTIMISATIONS.items()
        ]
    if profile.network.patch == 1:
        measured.append(Ablation("2x2 patches", True, True, lambda: _on_patches(profile, images, mixed)))
    if on_gpu:
        measured.append(Ablation("CUDA graph", True, False, lambda: make(graph=False)))
    if compile:
        measured.append(Ablation(COMPILE, False, True, lambda: _compiled(profile, images, mixed)))
    return measured


def _in_other_precision(profile: Profile, images: np.ndarray, mixed: str) -> Step:
    return training_step(profile, images, "bf16" if mixed == "fp32" else "fp32")


def _adamw(**options: bool) -> Callable[[torch.nn.Module, Profile, torch.device], torch.optim.Optimizer]:
    return lambda raw, profile, target: torch.optim.AdamW(
        raw.parameters(), lr=profile.lr, capturable=target.type == "cuda", **options
    )


def _with_averaging_loop(step: Step) -> Loop:
    ema = [p.detach().clone() for p in step.parameters]

    def loop(number: int) -> torch.Tensor:
        loss = step(number)
        weight = ema_weight(step.profile, number + 1)
        with torch.no_grad():
            for mean, new in zip(ema, step.parameters, strict=True):
                mean.lerp_(new, weight)
        return loss

    return loop


class PngLoader:
    """A feed of PNG files in memory, which a ``DataLoader`` without workers decodes one by one, shuffled."""

    def __init__(self, images: np.ndarray, rows: np.ndarray, target: torch.device):
        self.shape, self.device = (rows.shape[1], *images.shape[1:]), target
        loader = torch.utils.data.DataLoader(_PngImages(images), rows.shape[1], shuffle=True, drop_last=True)
        self._batches = _endless(loader)

    def fill(self, pixels: torch.Tensor, step: int) -> None:
        pixels.copy_(next(self._batches))


class _PngImages(torch.utils.data.Dataset):
    def __init__(self, images: np.ndarray):
        self.files = []
        for image in images:
            Image.fromarray(image).save(buffer := io.BytesIO(), "png")
            self.files.append(buffer.getvalue())

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(np.array(Image.open(io.BytesIO(self.files[index]))))


def _endless(loader: torch.utils.data.DataLoader) -> Iterator[torch.Tensor]:
    while True:
        yield from loader


def _waiting_for_loss(step: Step) -> Loop:
    return lambda number: step(number).item()


def _in_other_layout(net: torch.nn.Module, precision: str) -> torch.nn.Module:
    net = optimize(net, precision)
    last = any(p.dim() == 4 and not p.is_contiguous() for p in net.parameters())
    return net.to(memory_format=torch.contiguous_format if last else torch.channels_last)


def _with_coarse_steps(profile: Profile, images: np.ndarray, mixed: str) -> Step:
    return training_step(replace(profile, coarse_steps=SCHEDULE_STEPS), images, mixed)


def _on_patches(profile: Profile, images: np.ndarray, mixed: str) -> Step:
    return training_step(replace(profile, network=replace(profile.network, patch=2)), images, mixed)


class _Float32Norm(torch.nn.GroupNorm):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return F.group_norm(x.float(), self.num_groups, self.weight, self.bias, self.eps)


def _norm_in_fp32(net: torch.nn.Module, precision: str) -> torch.nn.Module:
    for module in optimize(net, precision).modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.__class__ = _Float32Norm
    return net


def _without(part: Callable[[torch.nn.Module], torch.nn.Module]) -> Callable[..., torch.nn.Module]:
    others = [other for other in NETWORK_OPTIMISATIONS.values() if other is not part]
    return lambda net, _: reduce(lambda made, other: other(made), others, net)


def _compiled(profile: Profile, images: np.ndarray, mixed: str) -> Step:
    if torch.cuda.is_available():
        return training_step(replace(profile, compile=True), images, mixed)
    step = training_step(profile, images, mixed)
    step.net = torch.compile(step.net, dynamic=False)
    return step
