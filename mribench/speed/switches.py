"""Our training step with one part of it another: what ``optimisations`` weighs."""

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

from mribench import device
from mribench.spec import Profile
from mribench.speed.training import TOTAL, ours
from mribench.training import fused
from mribench.training.fused import optimize
from mribench.training.loader import Prefetched
from mribench.training.step import Step, ema_weight

Loop = Callable[[int], Any]
COMPILE = "torch.compile"
# what ``optimize`` does to a network in bf16 on a CPU
ARRANGED = {
    "sub-pixel upsampling": fused.with_subpixel_upsampling,
}


@dataclass(frozen=True)
class Switch:
    """One thing. used: our step has it where this is measured; on: ``make`` gives the step that has it, else the one
    that lacks it."""

    name: str
    used: bool
    on: bool
    make: Callable[[], Loop]


def switches(profile: Profile, images: np.ndarray, compile: bool = False) -> list[Switch]:
    """All that is switched on this device, each in a step that is ours in all else."""
    on_gpu = torch.cuda.is_available()
    mixed = device.precision(profile)
    last = on_gpu and mixed == "bf16"  # as ``optimize`` arranges it
    make = partial(ours, profile, images, mixed)
    half = mixed if mixed != "fp32" else "bf16"
    found = [
        Switch(
            f"{half} in place of fp32",
            mixed != "fp32",
            mixed == "fp32",
            lambda: _other(profile, images, mixed),
        ),
        Switch(
            "fused Adam, not foreach", True, False, lambda: make(optimizer=_adam(fused=False, foreach=True))
        ),
        Switch(
            "fused Adam, not a loop", True, False, lambda: make(optimizer=_adam(fused=False, foreach=False))
        ),
        Switch("foreach average, not a loop", True, False, lambda: _averaged(make(average=False))),
        Switch("set on the device, not PNG decoding", True, False, lambda: make(feed=Decoded)),
        Switch("set on the device, not streamed", True, False, lambda: make(feed=Prefetched)),
        Switch("loss left on the device", True, False, lambda: _waiting(make())),
        Switch("channels last", last, not last, lambda: make(arrange=_other_layout)),
        Switch("coarse steps (half the side)", True, True, lambda: _coarse(profile, images, mixed)),
    ]
    if mixed == "bf16":
        found.append(Switch("group norm in bf16", True, False, lambda: make(arrange=_norm_in_fp32)))
    if mixed == "bf16" and not on_gpu:
        found += [
            Switch(name, True, False, partial(make, arrange=_without(part)))
            for name, part in ARRANGED.items()
        ]
    if profile.network.patch == 1:
        found.append(Switch("2x2 patches", True, True, lambda: _on_patches(profile, images, mixed)))
    if on_gpu:
        found.append(Switch("CUDA graph", True, False, lambda: make(graph=False)))
    if compile:
        found.append(Switch(COMPILE, False, True, lambda: _compiled(profile, images, mixed)))
    return found


def _other(profile: Profile, images: np.ndarray, mixed: str) -> Step:
    return ours(profile, images, "bf16" if mixed == "fp32" else "fp32")


def _adam(**how: bool) -> Callable[[torch.nn.Module, Profile, torch.device], torch.optim.Optimizer]:
    return lambda raw, profile, where: torch.optim.AdamW(
        raw.parameters(), lr=profile.lr, capturable=where.type == "cuda", **how
    )


def _averaged(step: Step) -> Loop:
    ema = [p.detach().clone() for p in step.parameters]

    def loop(number: int) -> torch.Tensor:
        loss = step(number)
        weight = ema_weight(step.profile, number + 1)
        with torch.no_grad():
            for mean, new in zip(ema, step.parameters, strict=True):
                mean.lerp_(new, weight)
        return loss

    return loop


class Decoded:
    """A feed of PNG files in memory, which a ``DataLoader`` without workers decodes one by one, shuffled."""

    def __init__(self, images: np.ndarray, rows: np.ndarray, where: torch.device):
        self.shape, self.device = (rows.shape[1], *images.shape[1:]), where
        loader = torch.utils.data.DataLoader(_Pngs(images), rows.shape[1], shuffle=True, drop_last=True)
        self._batches = _endless(loader)

    def fill(self, pixels: torch.Tensor, step: int) -> None:
        pixels.copy_(next(self._batches))


class _Pngs(torch.utils.data.Dataset):
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


def _waiting(step: Step) -> Loop:
    return lambda number: step(number).item()


def _other_layout(net: torch.nn.Module, precision: str) -> torch.nn.Module:
    net = optimize(net, precision)
    last = any(p.dim() == 4 and not p.is_contiguous() for p in net.parameters())
    return net.to(memory_format=torch.contiguous_format if last else torch.channels_last)


def _coarse(profile: Profile, images: np.ndarray, mixed: str) -> Step:
    return ours(replace(profile, coarse_steps=TOTAL), images, mixed)


def _on_patches(profile: Profile, images: np.ndarray, mixed: str) -> Step:
    return ours(replace(profile, network=replace(profile.network, patch=2)), images, mixed)


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
    others = [other for other in ARRANGED.values() if other is not part]
    return lambda net, _: reduce(lambda made, other: other(made), others, net)


def _compiled(profile: Profile, images: np.ndarray, mixed: str) -> Step:
    if torch.cuda.is_available():
        return ours(replace(profile, compile=True), images, mixed)
    step = ours(profile, images, mixed)
    step.net = torch.compile(step.net, dynamic=False)
    return step
