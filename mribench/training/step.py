"""One optimiser step, in two ways that draw the same batches, timesteps and noise.

``Step`` runs operation by operation under Accelerate, on any device and any number of processes. ``RecordedStep``
records the whole step (noise, loss, gradients, optimiser, moving average) once as a CUDA graph and replays it,
so that one 64x64 model is not held up by the time Python takes to launch a thousand small kernels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from mribench.seeds import number, numpy_rng
from mribench.spec import Profile, Variant
from mribench.training.loader import Resident, Streamed

WARM_UP = 3  # steps before a recording: cuDNN chooses its algorithms, the optimiser makes its state


def batches(n: int, size: int, steps: int, seed: int) -> np.ndarray:
    """int32 (steps, size): row i is batch i, cut from an endless row of epoch-wise permutations of range(n)."""
    epochs = range(math.ceil(steps * size / n))
    row = [numpy_rng("epoch", seed, epoch).permutation(n).astype(np.int32) for epoch in epochs]
    return np.concatenate(row)[: steps * size].reshape(steps, size)


def learning_rate(profile: Profile, step: int, total: int) -> float:
    """Linear warm-up, then constant, or half a cosine to zero at ``total``."""
    warm = min(1.0, (step + 1) / profile.warmup_steps) if profile.warmup_steps else 1.0
    decay = 0.5 * (1 + math.cos(math.pi * step / total)) if profile.lr_schedule == "cosine" else 1.0
    return profile.lr * warm * decay


def forgetting(profile: Profile, step: int) -> float:
    """Weight of the new parameters in the moving average after ``step`` steps: early averages forget fast (the ramp of
    Ho et al.'s code base)."""
    return 1 - min(profile.ema_decay or 0.0, (1 + step) / (10 + step))


@dataclass
class Step:
    """Call with the number of a step: trains on that batch and returns its mean loss, a tensor that is not waited for.

    net: what the variant's loss calls; raw: the same network without wrappers. feed: gives the batches. mine: the part
    of a batch that this process computes.
    """

    variant: Variant
    scheduler: Any
    net: Any
    raw: torch.nn.Module
    optimizer: Any
    ema: list[torch.Tensor] | None
    feed: Resident | Streamed
    profile: Profile
    seed: int
    total: int
    accelerator: Any = None
    mine: slice = field(default_factory=lambda: slice(None))

    def __post_init__(self) -> None:
        self.draw = torch.Generator(self.feed.device)
        self.pixels = torch.zeros(self.feed.shape, dtype=torch.uint8, device=self.feed.device)
        self.parameters = list(self.raw.parameters())

    def __call__(self, step: int) -> torch.Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.profile, step, self.total)
        self._seed(step)
        self.feed.fill(self.pixels, step)
        loss = self._loss(self._coarse(step))
        self.accelerator.backward(loss)
        if self.profile.grad_clip:
            self.accelerator.clip_grad_norm_(self.parameters, self.profile.grad_clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.ema is not None:
            # else the average would remember every step that it was made in: 0.1 MiB each with quick's network
            with torch.no_grad():
                torch._foreach_lerp_(self.ema, self.parameters, forgetting(self.profile, step + 1))
        return loss.detach()

    def _coarse(self, step: int) -> bool:
        return step < self.profile.coarse_steps

    def _seed(self, step: int) -> None:
        """Draws have an address, (seed, step), never a state: a resumed run sees what an unbroken one sees."""
        torch.manual_seed(number("net", self.seed, step))  # what the network itself draws: dropout
        self.draw.manual_seed(number("step", self.seed, step))

    def _loss(self, coarse: bool) -> torch.Tensor:
        """Mean loss on the images in ``pixels``."""
        size, where = len(self.pixels), self.pixels.device
        x0 = self.pixels.unsqueeze(1).float() / 127.5 - 1
        if coarse:
            x0 = F.avg_pool2d(x0, 2)
        # drawn for the whole batch by every process, so that n processes see what one sees
        t = torch.randint(
            self.scheduler.config.num_train_timesteps, (size,), generator=self.draw, device=where
        )
        noise = torch.randn(x0.shape, generator=self.draw, device=where)
        if self.profile.flip:
            flipped = torch.rand(size, generator=self.draw, device=where) < 0.5
            x0 = torch.where(flipped[:, None, None, None], x0.flip(-1), x0)
        x0, noise, t = x0[self.mine], noise[self.mine], t[self.mine]
        return self.variant.loss(self.net, self.scheduler, x0, noise, t).mean()


class Mixed:
    """A network whose calls run on a GPU in ``precision``; in all else it is the network."""

    def __init__(self, net: torch.nn.Module, precision: str, compile: bool = False):
        self._net = net
        self._dtype = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        self._call: Callable[..., Any] = torch.compile(net, dynamic=False) if compile else net

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # a cast that was remembered outside a recording would be missing from it
        with torch.autocast("cuda", self._dtype, enabled=self._dtype is not None, cache_enabled=False):
            return self._call(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)


class RecordedStep(Step):
    """``Step`` as one CUDA graph per image size, on one GPU in bf16 or fp32.

    The optimiser must be ``capturable``. Recording raises what CUDA raises where a variant's loss waits for the device
    (``.item()``, a branch on a tensor's value); the state of training is then as it was before.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rate, self.forget = (torch.zeros((), device=self.feed.device) for _ in range(2))
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        self.recorded: dict[bool, tuple[torch.cuda.CUDAGraph, torch.Tensor]] = {}

    def record(self, step: int) -> tuple[torch.cuda.CUDAGraph, torch.Tensor]:
        """The recording that ``step`` replays, and the loss it leaves; made where there is none of its image size."""
        coarse = self._coarse(step)
        if coarse not in self.recorded:
            self.recorded = {coarse: self._record(coarse)}
        return self.recorded[coarse]

    def __call__(self, step: int) -> torch.Tensor:
        graph, loss = self.record(step)
        self.feed.fill(self.pixels, step)
        self.rate.fill_(learning_rate(self.profile, step, self.total))
        self.forget.fill_(forgetting(self.profile, step + 1))
        self._seed(step)
        graph.replay()
        return loss

    def _record(self, coarse: bool) -> tuple[torch.cuda.CUDAGraph, torch.Tensor]:
        kept = self._snapshot()
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.draw)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP):
                    self._step(coarse)
            torch.cuda.current_stream().wait_stream(stream)
            self.optimizer.zero_grad(set_to_none=True)
            # other threads may allocate meanwhile: several models train side by side
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                loss = self._step(coarse)
        finally:
            self._restore(kept)
        return graph, loss

    def _step(self, coarse: bool) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._loss(coarse)
        loss.backward()
        if self.profile.grad_clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.profile.grad_clip, foreach=True)
        self.optimizer.step()
        if self.ema is not None:
            with torch.no_grad():
                # lerp with a weight that lies on the device
                change = torch._foreach_sub(self.parameters, self.ema)
                torch._foreach_mul_(change, self.forget)
                torch._foreach_add_(self.ema, change)
        return loss.detach()

    def _state(self) -> list[torch.Tensor]:
        moments = [v for state in self.optimizer.state.values() for v in state.values()]
        return [*self.raw.state_dict().values(), *(self.ema or []), *filter(torch.is_tensor, moments)]

    def _snapshot(self) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        state = self._state()
        return state, [tensor.detach().clone() for tensor in state]

    def _restore(self, kept: tuple[list[torch.Tensor], list[torch.Tensor]]) -> None:
        """Undo the warm-up: what was there gets its values back, what the optimiser made is zero."""
        known = {tensor.data_ptr() for tensor in kept[0]}
        with torch.no_grad():
            for tensor in self._state():
                if tensor.data_ptr() not in known:
                    tensor.zero_()
            torch._foreach_copy_([t.detach() for t in kept[0]], kept[1])
