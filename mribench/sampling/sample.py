"""Sample from a trained variant. Image i depends on (seed, i) alone, whatever the batch it is made in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mribench.device import place
from mribench.errors import MribenchError, Unavailable
from mribench.progress import progress
from mribench.sampling import likelihood
from mribench.sampling.denoiser import VariantDenoiser
from mribench.sampling.forward_process import alpha_bars
from mribench.sampling.guidance import GuidedNetwork, bind, labels_of
from mribench.sampling.reverse import IntegratorReverse, Reverse, SchedulerReverse, Watch
from mribench.sampling.samplers import SamplerChoice
from mribench.seeds import torch_generator
from mribench.spec import Integrator, Profile, Variant
from mribench.training.fused import optimize
from mribench.training.malloc import retain_freed_memory
from mribench.training.space import load_space
from mribench.training.stages import shaped

DTYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class TrainedModel:
    """A trained variant with its sampler; a ``mribench.spec.Model`` and a ``DenoisingLoss``.

    Each image has its own generator, and a short batch is filled up to ``profile.sample_batch``: convolutions choose
    their algorithm by shape, so equal shapes give equal bits. Between different batch sizes images differ by rounding
    alone (fp32: below 1e-3 of the grey range; tests/test_sample.py).

    Args:
        pipeline: folder of a diffusers pipeline.
        variant: what was trained.
        sampler: how it is integrated back.
        profile: its ``size`` and ``sample_batch`` are used.
        precision: fp32, bf16 or fp16.
        title: what the progress bar says.
        label: of a variant with conditions: which of its training's labels is drawn, None for the only one.
    """

    def __init__(
        self,
        pipeline: Path,
        variant: Variant,
        sampler: SamplerChoice,
        profile: Profile,
        precision: str,
        title: str = "sample",
        label: str | None = None,
    ):
        self.device = torch.device(place())
        self.variant, self.sampler, self.profile, self.title = variant, sampler, profile, title
        self._pipeline, self._label = pipeline, label
        self.net = self._at_label(optimize(self._load(), precision), variant.guidance)
        self.train_scheduler = type(variant.scheduler(profile)).from_pretrained(pipeline / "scheduler")
        self.alpha_bars, _ = alpha_bars(variant, self.train_scheduler)  # of each training timestep
        self.dtype = DTYPES[precision]
        self.space = load_space(variant, profile, pipeline, self.device)
        # an encoder declares no shape: it is seen on an image
        black = torch.full((1, 1, profile.size, profile.size), -1.0, device=self.device)
        self.shape = self.space.encode(black).shape[1:]  # of what the process runs on: (C, h, w)
        self.nfe: list[int] = []  # network evaluations per image, of each call of ``generate`` or ``denoise``
        way = IntegratorReverse if isinstance(sampler.sampler, Integrator) else SchedulerReverse
        self._way: Reverse = way(variant, self._autocast_net, self.train_scheduler, sampler)

    def generate(self, indices: Sequence[int], seed: int) -> np.ndarray:
        """float32 (len(indices), H, W) in [0, 1]."""
        return self._sample(list(indices), seed, None, lambda chunk, generators: self._noise(generators))

    def denoise(self, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
        """float32 (N, H, W) in [0, 1]; a sampler with a scheduler takes the variant's timestep nearest to the level.

        Raises Unavailable for a variant whose encoder is not orthonormal, or whose noise is not white.
        """
        if not self.variant.denoises_pixels:
            raise Unavailable(
                f"{self.variant.name} does not run on white noise in pixels: such noise has no level in its process"
            )
        pixels = torch.from_numpy(np.asarray(x_t, dtype=np.float32)).unsqueeze(1)

        def start(chunk: Sequence[int], generators: list[torch.Generator]) -> torch.Tensor:
            return self.space.encode(pixels[list(chunk)].to(self.device))

        return self._sample(list(range(len(x_t))), seed, alpha_bar, start)

    def trajectory(self, indices: Sequence[int], seed: int, frames: int) -> np.ndarray:
        """float32 (len(indices), frames, H, W) in [0, 1]: x_t on its way from noise to image."""
        strip: list[np.ndarray] = []

        def keep(step: int, x: torch.Tensor) -> None:
            strip.append(self._to_unit(x))

        generators = [torch_generator("sample", seed, i) for i in indices]
        self._reverse(self._noise(generators), generators, None, keep)
        # the first frame is the noise and the last the image
        shown = np.linspace(0, len(strip) - 1, frames).round().astype(int)
        return np.stack([strip[i] for i in shown], axis=1)

    @torch.inference_mode()
    def losses(self, images: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
        """float32 (N,): the variant's own training loss at one level; images float32 (N, H, W) in [0, 1].

        Under the model's label, without guidance. The noise of an image depends on its content, the level and the
        seed; short batches are filled up, as in sampling.
        """
        t = self._timestep(alpha_bar)
        # the loss that was trained: guidance is a change of the sampler
        net = self.net.labelled if isinstance(self.net, GuidedNetwork) else self.net
        batch, losses = self.profile.sample_batch, []
        title = f"{self.title}, ᾱ {alpha_bar:.3f}"
        with progress(title, len(images)) as advance, retain_freed_memory():
            for first in range(0, len(images), batch):
                chunk = np.ascontiguousarray(images[first : first + batch], dtype=np.float32)
                filled = np.concatenate([chunk, chunk[:1].repeat(batch - len(chunk), axis=0)])
                # by content, so that a copy of an image in another split gets the same noise and the same loss
                contents = [hashlib.sha256(image).hexdigest() for image in filled]
                generators = [torch_generator("loss", content, alpha_bar, seed) for content in contents]
                x0 = self.space.encode((torch.from_numpy(filled).unsqueeze(1) * 2 - 1).to(self.device))
                noise = torch.cat([torch.randn(1, *x0.shape[1:], generator=g) for g in generators])
                timesteps = torch.full((batch,), t, device=self.device)
                with self._autocast():
                    loss = self.variant.loss(
                        net,
                        self.train_scheduler,
                        x0,
                        shaped(self.variant, noise.to(self.device)),
                        timesteps,
                    )
                losses.append(loss.float().cpu().numpy()[: len(chunk)])
                advance(first + len(chunk))
        return np.concatenate(losses)

    def log_likelihood(self, x: np.ndarray, seed: int) -> dict[str, np.ndarray]:
        """As ``mribench.spec.Likelihood``, by the probability-flow ODE; under the label, without guidance.

        Raises Unavailable where noise on pixels has no level in the variant's process, or it has no denoiser.
        """
        self._check_prior(in_an_orthonormal_space=True)
        denoise = self._denoiser()
        pixels = torch.from_numpy(np.asarray(x, dtype=np.float32)).unsqueeze(1).to(self.device)
        with progress(self.title, len(x)) as advance, retain_freed_memory():
            codes = self.space.encode(pixels)
            found = likelihood.with_errors(denoise, codes, seed, self.profile.sample_batch, advance)
        # Heun's method evaluates at both ends of a step
        self.nfe.append(2 * likelihood.STEPS)
        return found

    def denoiser(self, of_own_noise: bool = False) -> VariantDenoiser:
        """As ``mribench.spec.Prior``; ``of_own_noise``: of the noise that it was trained with, white or not."""
        if not (of_own_noise and self.variant.runs_on_pixels and self.variant.has_denoiser):
            self._check_prior(in_an_orthonormal_space=False)
        return self._denoiser()

    def _check_prior(self, in_an_orthonormal_space: bool) -> None:
        on_pixels = self.variant.denoises_pixels and (in_an_orthonormal_space or self.variant.encode is None)
        if not (on_pixels and self.variant.has_denoiser):
            raise Unavailable(f"{self.variant.name} has no denoiser D(x; sigma) on pixels")

    def _denoiser(self) -> VariantDenoiser:
        """In the space of the process, in fp32 and as it was stored; without guidance."""
        net = self._at_label(self._load().requires_grad_(False), 1.0)
        return VariantDenoiser(self.variant, net, self.train_scheduler)

    def _load(self) -> torch.nn.Module:
        """The network as it was trained."""
        # by the variant's own class: a plugin's network need not be one that diffusers knows
        network = type(self.variant.network(self.profile))
        return network.from_pretrained(self._pipeline / "unet").to(self.device).eval()

    def _at_label(self, net: Any, guidance: float) -> Any:
        """The network as samplers and losses call it: of a variant with conditions under the model's label."""
        if not self.variant.conditions:
            return net
        return bind(net, labels_of(self._pipeline.parent), self._label, guidance, self.device)

    def _timestep(self, alpha_bar: float) -> int:
        """The training timestep whose level is nearest."""
        return int(np.abs(self.alpha_bars - alpha_bar).argmin())

    def _noise(self, generators: Sequence[torch.Generator]) -> torch.Tensor:
        """(N, C, h, w), each image from its own generator."""
        white = torch.cat([torch.randn(1, *self.shape, generator=g) for g in generators])
        return shaped(self.variant, white)

    @torch.inference_mode()
    def _to_unit(self, x: torch.Tensor) -> np.ndarray:
        """(N, C, h, w) of the process -> float32 (N, H, W) in [0, 1]."""
        images = self.space.decode(x)
        return (images[:, 0].float().clamp(-1, 1) / 2 + 0.5).cpu().numpy()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None)

    def _autocast_net(self, *args: Any) -> Any:
        with self._autocast():
            return self.net(*args)

    def _sample(
        self,
        indices: list[int],
        seed: int,
        alpha_bar: float | None,
        start: Callable[[Sequence[int], list[torch.Generator]], torch.Tensor],
    ) -> np.ndarray:
        """Integrate from a level in batches; ``start`` gives (N, C, h, w) of the indices of a batch."""
        batch, images = self.profile.sample_batch, []
        title = self.title if alpha_bar is None else f"{self.title}, ᾱ {alpha_bar:.3f}"
        with progress(title, len(indices)) as advance, retain_freed_memory():
            for first in range(0, len(indices), batch):
                chunk = indices[first : first + batch]
                filled = chunk + chunk[:1] * (batch - len(chunk))
                generators = [torch_generator("sample", seed, i) for i in filled]
                x, nfe = self._reverse(start(filled, generators), generators, alpha_bar)
                images.append(self._to_unit(x)[: len(chunk)])
                advance(first + len(chunk))
        # guidance evaluates the network with the label and without it
        self.nfe.append(nfe * (2 if isinstance(self.net, GuidedNetwork) else 1))
        return np.concatenate(images)

    @torch.inference_mode()
    def _reverse(
        self,
        x: torch.Tensor,
        generators: list[torch.Generator],
        alpha_bar: float | None,
        watch: Watch = lambda step, x: None,
    ) -> tuple[torch.Tensor, int]:
        """Integrate x (N, C, h, w) from a level (None: from pure noise) to x_0; also the NFE spent."""
        x, nfe = self._way(x.to(self.device), generators, alpha_bar, watch)
        if not torch.isfinite(x).all():
            raise MribenchError(
                f"sampler {self.sampler.name} gave values that are not finite; use more steps, another sampler, or fp32"
            )
        return x, nfe
