"""From noise, or from x_t, to x_0: along a diffusers scheduler, or by an integrator on D(x; sigma)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, Protocol

import numpy as np
import torch

from mribench.sampling.denoiser import VariantDenoiser
from mribench.sampling.forward_process import alpha_bars
from mribench.sampling.samplers import SIGMA_MAX, SamplerChoice, noise_levels
from mribench.spec import ShapeNoise, Variant

Watch = Callable[[int, torch.Tensor], None]  # sees (evaluations so far, x)


class Reverse(Protocol):
    """The reverse process of a trained variant with a sampler."""

    steps: int  # network evaluations from noise, as far as they are known

    def __call__(
        self, x: torch.Tensor, generators: Sequence[torch.Generator], alpha_bar: float | None, watch: Watch
    ) -> tuple[torch.Tensor, int]:
        """x_0, float32 (N, C, h, w), and the network evaluations spent.

        Args:
            x: White noise, or sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps.
            generators: One for each image.
            alpha_bar: The level of x; None for white noise.
            watch: Called before the first evaluation and after each.
        """


class SchedulerReverse:
    """A ``Reverse`` along the timesteps of a diffusers scheduler, made anew for each batch."""

    def __init__(
        self, variant: Variant, net: Callable[..., Any], train_scheduler: Any, choice: SamplerChoice
    ):
        self._net, self._config, self._choice = net, train_scheduler.config, choice
        # of each training timestep: its level, and how much larger the variant's x_t is than the task's
        self._alpha_bars, self._scale = alpha_bars(variant, train_scheduler)
        self.steps = len(choice.sampler.timesteps(self._scheduler(), choice.steps, None))

    def __call__(
        self, x: torch.Tensor, generators: Sequence[torch.Generator], alpha_bar: float | None, watch: Watch
    ) -> tuple[torch.Tensor, int]:
        scheduler, start = self._scheduler(), None
        if alpha_bar is not None:
            start = int(np.abs(self._alpha_bars - alpha_bar).argmin())
            # from the task's scale to the variant's; in fp32 the scale would be rounded too
            x = (x.double() * self._scale[start]).float()
        timesteps = self._choice.sampler.timesteps(scheduler, self._choice.steps, start)
        x = to_scheduler_scale(scheduler, x, timesteps[0], from_noise=start is None)
        # deterministic schedulers take no generator
        draws = {"generator": list(generators)} if "generator" in signature(scheduler.step).parameters else {}
        watch(0, x)
        for step, t in enumerate(timesteps, start=1):
            now = torch.tensor(t, device=x.device)
            # bf16 networks, fp32 integration: a step is a small difference of large numbers
            output = self._net(scaled_for_network(scheduler, x, now), now).sample
            x = scheduler.step(output.float(), t, x, **draws).prev_sample
            watch(step, x)
        return x, len(timesteps)

    def _scheduler(self) -> Any:
        return self._choice.sampler.scheduler(self._config)


class IntegratorReverse:
    """A ``Reverse`` by an integrator, from the exact level."""

    def __init__(
        self, variant: Variant, net: Callable[..., Any], train_scheduler: Any, choice: SamplerChoice
    ):
        self._denoiser = VariantDenoiser(variant, net, train_scheduler)
        self._integrator, self._steps, self._shape_noise = choice.sampler, choice.steps, variant.noise
        self.steps = choice.steps

    def __call__(
        self, x: torch.Tensor, generators: Sequence[torch.Generator], alpha_bar: float | None, watch: Watch
    ) -> tuple[torch.Tensor, int]:
        least, largest = self._denoiser.sigmas
        sigmas = [*noise_levels(self._steps, least, min(SIGMA_MAX, largest)).tolist(), 0.0]
        # integrators run on x_0 + sigma eps
        if alpha_bar is None:
            x = x * sigmas[0]
        else:
            sigma = math.sqrt((1 - alpha_bar) / alpha_bar)
            x, sigmas = x / math.sqrt(alpha_bar), [sigma, *(level for level in sigmas if level < sigma)]
        denoise = _Watched(self._denoiser, watch)
        x = self._integrator.integrate(
            denoise, x, sigmas, ImageDraws(generators, x.device, self._shape_noise)
        )
        watch(denoise.nfe, x)
        return x, denoise.nfe


class _Watched:
    """A denoiser that counts its calls and shows x, as small as the signal in it, before each."""

    def __init__(self, denoiser: VariantDenoiser, watch: Watch):
        self._denoiser, self._watch = denoiser, watch
        self.sigmas, self.nfe = denoiser.sigmas, 0

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        # divided by sqrt(1 + sigma^2), so that all frames have about the same contrast
        self._watch(self.nfe, x / (1 + torch.as_tensor(sigma, device=x.device).max() ** 2).sqrt())
        self.nfe += 1
        return self._denoiser(x, sigma)


class ImageDraws:
    """A ``mribench.spec.Draws`` of images that have a generator each, on the CPU.

    shape_noise: makes of white noise that of the variant's process.
    """

    def __init__(
        self,
        generators: Sequence[torch.Generator],
        where: torch.device,
        shape_noise: ShapeNoise | None = None,
    ):
        self._generators, self._where, self._shape_noise = generators, where, shape_noise

    def normal(self, *shape: int) -> torch.Tensor:
        white = torch.stack([torch.randn(shape, generator=g) for g in self._generators]).to(self._where)
        return self._shape_noise(white) if self._shape_noise else white

    def uniform(self, *shape: int) -> torch.Tensor:
        return torch.stack([torch.rand(shape, generator=g) for g in self._generators]).to(self._where)

    def integers(self, high: int, *shape: int) -> torch.Tensor:
        return torch.stack([torch.randint(high, shape, generator=g) for g in self._generators]).to(
            self._where
        )


def scaled_for_network(scheduler: Any, x: torch.Tensor, t: float | torch.Tensor) -> torch.Tensor:
    """What the network sees of a scheduler's x at timestep t: some schedulers keep x_0 + sigma eps."""
    return scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x


def to_scheduler_scale(scheduler: Any, x: torch.Tensor, t: float, from_noise: bool) -> torch.Tensor:
    """x of a forward process, white noise or x_t, at the scale that the scheduler keeps at its first timestep t."""
    if from_noise:
        return x * getattr(scheduler, "init_noise_sigma", 1.0)
    return x / scaled_for_network(scheduler, torch.ones((), device=x.device), t)
