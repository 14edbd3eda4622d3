"""One optimiser step, in two ways that draw the same batches, timesteps and noise.

``Step`` runs operation by operation under Accelerate, on any device and any number of processes. ``RecordedStep``
records the whole step (noise, loss, gradients, optimiser, moving average) once as a CUDA graph and replays it: Python
needs longer to launch a thousand small kernels than a GPU to run them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from mribench.seeds import number, numpy_rng
from mribench.spec import Batch, Draws, Profile, Stage
from mribench.training.conditions import LabelFeed
from mribench.training.draws import BatchDraws
from mribench.training.loader import InMemory, Prefetched

WARM_UP_STEPS = 3  # before a recording: cuDNN chooses its algorithms, the optimiser makes its state


def batches(n: int, size: int, steps: int, seed: int) -> np.ndarray:
    """int32 (steps, size): row i holds the indices of batch i, cut from successive permutations of range(n)."""
    epochs = range(math.ceil(steps * size / n))
    order = [numpy_rng("epoch", seed, epoch).permutation(n).astype(np.int32) for epoch in epochs]
    return np.concatenate(order)[: steps * size].reshape(steps, size)


def learning_rate(profile: Profile, step: int, total: int, peak: float | None = None) -> float:
    """Linear warm-up to ``peak`` (None: the profile's), then constant, or half a cosine to zero at ``total``."""
    warm_up = min(1.0, (step + 1) / profile.warmup_steps) if profile.warmup_steps else 1.0
    decay = 0.5 * (1 + math.cos(math.pi * step / total)) if profile.lr_schedule == "cosine" else 1.0
    return (profile.lr if peak is None else peak) * warm_up * decay


def ema_weight(profile: Profile, step: int) -> float:
    """Weight of the new parameters in the moving average after ``step`` steps.

    1 - min(ema_decay, (1 + step) / (10 + step)): the ramp of diffusers' ``EMAModel``, in which early weights fade
    quickly; Ho et al. have none. Not ``EMAModel`` itself, whose weight is a Python number that a CUDA graph would
    freeze.
    """
    return 1 - min(profile.ema_decay or 0.0, (1 + step) / (10 + step))


@dataclass
class Step:
    """Called with the number of a step, trains on its batch and returns the mean loss, not waiting for the device.

    Of several updates it is the loss of the first.
    """

    stage: Stage
    net: Any  # what the losses call
    raw: torch.nn.Module  # the same network without wrappers
    optimizers: list[Any]  # of each update
    ema: list[torch.Tensor] | None
    feed: InMemory | Prefetched  # gives the batches
    profile: Profile
    seed: int
    total: int  # steps of the whole stage, for the learning rate
    earlier: Mapping[str, torch.nn.Module] = field(default_factory=dict)  # networks of finished stages
    labels: LabelFeed | None = None  # beside ``feed``, of a variant with conditions
    accelerator: Any = None
    mine: slice = field(default_factory=lambda: slice(None))  # the rows of a batch that this process computes

    def __post_init__(self) -> None:
        self.draw = torch.Generator(self.feed.device)
        self.pixels = torch.zeros(self.feed.shape, dtype=torch.uint8, device=self.feed.device)
        self.parameters = list(self.raw.parameters())

    def __call__(self, step: int) -> torch.Tensor:
        self._seed(step)
        self._fill(step)
        draws = BatchDraws(self.draw, len(self.pixels), self.mine)
        batch = self._batch(self._coarse(step), draws)
        losses = []
        for update, optimizer in zip(self.stage.updates, self.optimizers, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(self.profile, step, self.total, update.lr)
            loss = update.loss(self.net, batch, self.earlier, draws).mean()
            self.accelerator.backward(loss)
            if self.profile.grad_clip:
                moved = [p for group in optimizer.param_groups for p in group["params"]]
                self.accelerator.clip_grad_norm_(moved, self.profile.grad_clip)
            optimizer.step()
            # also those that this update does not move: the next one starts from none
            self.raw.zero_grad()
            losses.append(loss.detach())
        self._average(step)
        return losses[0]

    def about(self, done: int) -> Mapping[str, Any]:
        """What the record says of the training beside its numbers, after ``done`` steps."""
        return {}

    def _average(self, step: int) -> None:
        """Let the moving average follow."""
        if self.ema is not None:
            # with gradients the average would keep the graph of every step: 0.1 MiB each with quick's network
            with torch.no_grad():
                torch._foreach_lerp_(self.ema, self.parameters, ema_weight(self.profile, step + 1))

    def _coarse(self, step: int) -> bool:
        return self.stage.coarse and step < self.profile.coarse_steps

    def _seed(self, step: int) -> None:
        """Draws depend on (seed, step), never on a state: a resumed run sees what an unbroken one sees."""
        torch.manual_seed(number("net", self.seed, step))  # for what the network itself draws: dropout
        self.draw.manual_seed(number("step", self.seed, step))

    def _fill(self, step: int) -> None:
        """Put images and labels of the step's batch where ``_batch`` reads them."""
        self.feed.fill(self.pixels, step)
        if self.labels is not None:
            self.labels.fill(step)

    def _batch(self, coarse: bool, draws: Draws) -> Batch:
        """This process's part of the images in ``pixels``."""
        x = self._shown(self.pixels[self.mine], coarse, draws)
        return Batch(x, self.labels.drawn(self.mine, draws) if self.labels is not None else None)

    def _shown(self, pixels: torch.Tensor, coarse: bool, draws: Draws) -> torch.Tensor:
        """Images as the network sees them, float32 (n, 1, H, W) in [-1, 1], from uint8 (n, H, W)."""
        x = pixels.unsqueeze(1).float() / 127.5 - 1
        if coarse:
            x = F.avg_pool2d(x, 2)
        if self.profile.flip:
            x = torch.where((draws.uniform() < 0.5)[:, None, None, None], x.flip(-1), x)
        return x


class Autocast:
    """A network whose calls run on a GPU in ``precision``; every other attribute is the network's own."""

    def __init__(self, net: torch.nn.Module, precision: str, compile: bool = False):
        self._net = net
        self._dtype = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        self._call: Callable[..., Any] = torch.compile(net, dynamic=False) if compile else net

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # a cast that was cached outside a recording would be missing from it
        with torch.autocast("cuda", self._dtype, enabled=self._dtype is not None, cache_enabled=False):
            return self._call(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)


class RecordedStep(Step):
    """``Step`` as one CUDA graph per image size, on one GPU in bf16 or fp32, of a stage with a single update.

    The optimiser must be ``capturable``. Recording raises what CUDA raises where a variant's loss waits for the device
    (``.item()``, a branch on a tensor's value); the state of training is then as it was before.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        (self.update,), (self.optimizer,) = self.stage.updates, self.optimizers
        self.lr, self.weight = (torch.zeros((), device=self.feed.device) for _ in range(2))
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        self.recorded: dict[bool, tuple[torch.cuda.CUDAGraph, torch.Tensor]] = {}

    def record(self, step: int) -> tuple[torch.cuda.CUDAGraph, torch.Tensor]:
        """The graph that ``step`` replays, and the loss it writes; recorded at the first step of its image size."""
        coarse = self._coarse(step)
        if coarse not in self.recorded:
            self.recorded = {coarse: self._record(coarse)}
        return self.recorded[coarse]

    def __call__(self, step: int) -> torch.Tensor:
        graph, loss = self.record(step)
        self._fill(step)
        self.lr.fill_(learning_rate(self.profile, step, self.total, self.update.lr))
        self.weight.fill_(ema_weight(self.profile, step + 1))
        self._seed(step)
        graph.replay()
        return loss

    def _record(self, coarse: bool) -> tuple[torch.cuda.CUDAGraph, torch.Tensor]:
        before = self._snapshot()
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.draw)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        try:
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP_STEPS):
                    self._step(coarse)
            torch.cuda.current_stream().wait_stream(stream)
            self.optimizer.zero_grad(set_to_none=True)
            # other threads may allocate meanwhile: several models train side by side
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                loss = self._step(coarse)
        finally:
            self._restore(before)
        return graph, loss

    def _step(self, coarse: bool) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        draws = BatchDraws(self.draw, len(self.pixels), self.mine)
        loss = self.update.loss(self.net, self._batch(coarse, draws), self.earlier, draws).mean()
        loss.backward()
        if self.profile.grad_clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.profile.grad_clip, foreach=True)
        self.optimizer.step()
        if self.ema is not None:
            with torch.no_grad():
                # lerp with a weight that lies on the device
                change = torch._foreach_sub(self.parameters, self.ema)
                torch._foreach_mul_(change, self.weight)
                torch._foreach_add_(self.ema, change)
        return loss.detach()

    def _state(self) -> list[torch.Tensor]:
        moments = [v for state in self.optimizer.state.values() for v in state.values()]
        return [*self.raw.state_dict().values(), *(self.ema or []), *filter(torch.is_tensor, moments)]

    def _snapshot(self) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        state = self._state()
        return state, [tensor.detach().clone() for tensor in state]

    def _restore(self, before: tuple[list[torch.Tensor], list[torch.Tensor]]) -> None:
        """Undo the warm-up: tensors of before get their values back, those that the optimiser made become zero."""
        tensors, values = before
        older = {tensor.data_ptr() for tensor in tensors}
        with torch.no_grad():
            for tensor in self._state():
                if tensor.data_ptr() not in older:
                    tensor.zero_()
            torch._foreach_copy_([tensor.detach() for tensor in tensors], values)
