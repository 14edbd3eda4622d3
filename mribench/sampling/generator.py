"""Draw from a trained generative model that has its own way from noise to image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from mribench.device import place
from mribench.errors import MribenchError, Unavailable
from mribench.progress import progress
from mribench.sampling.reverse import ImageDraws
from mribench.sampling.sample import DTYPES
from mribench.seeds import torch_generator
from mribench.spec import GenerativeModel, Profile
from mribench.training.malloc import retain_freed_memory
from mribench.training.space import load_network


class TrainedGenerator:
    """A ``mribench.spec.Model`` of a trained generative model; image i depends on (seed, i) alone.

    Args:
        folder: of the training, with a folder for each stage.
        model: what was trained.
        profile: its ``size``, ``sample_batch`` and ``keep`` are used.
        precision: fp32, bf16 or fp16.
        title: what the progress bar says.
    """

    def __init__(
        self, folder: Path, model: GenerativeModel, profile: Profile, precision: str, title: str = "sample"
    ):
        self.device = torch.device(place())
        self.nets = {
            stage.name: load_network(stage, profile, folder / stage.name / profile.keep, self.device)
            for stage in model.stages
        }
        self.model, self.profile, self.title, self.dtype = model, profile, title, DTYPES[precision]
        self.nfe: list[int] = []  # network evaluations per image, of each call of ``generate`` or ``denoise``

    def generate(self, indices: Sequence[int], seed: int) -> np.ndarray:
        """float32 (len(indices), H, W) in [0, 1]."""
        drawn = self._drawn(
            list(indices), seed, lambda rows, draws: self.model.generate(self.nets, self.profile, draws)
        )
        self.nfe.append(self.model.nfe)
        return drawn

    def denoise(self, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
        """float32 (N, H, W) in [0, 1]. Raises Unavailable where the model has no ``denoise``."""
        denoise = self.model.denoise
        if denoise is None:
            raise Unavailable(f"{self.model.name} does not denoise images")
        signal, sigma = alpha_bar**0.5, ((1 - alpha_bar) / alpha_bar) ** 0.5
        x = torch.from_numpy(np.asarray(x_t / signal, dtype=np.float32)).unsqueeze(1)
        drawn = self._drawn(
            list(range(len(x))),
            seed,
            lambda rows, draws: denoise(self.nets, x[rows].to(self.device), sigma, draws),
        )
        self.nfe.append(self.model.denoise_nfe)
        return drawn

    @torch.no_grad()
    def log_likelihood(self, x: np.ndarray, seed: int) -> dict[str, np.ndarray]:
        """As ``mribench.spec.Likelihood``, in fp32. Raises Unavailable where the model has no ``log_likelihood``."""
        log_likelihood = self.model.log_likelihood
        if log_likelihood is None:
            raise Unavailable(f"{self.model.name} gives no likelihood of an image")
        pixels = torch.from_numpy(np.asarray(x, dtype=np.float32)).unsqueeze(1)
        nats = []
        for first in range(0, len(x), self.profile.sample_batch):
            part = pixels[first : first + self.profile.sample_batch].to(self.device)
            rows = range(first, first + len(part))
            draws = ImageDraws([torch_generator("likelihood", seed, i) for i in rows], self.device)
            nats.append(log_likelihood(self.nets, part, draws).double().cpu().numpy())
        self.nfe.append(1)
        return {"bound" if self.model.likelihood_is_bound else "nats": np.concatenate(nats)}

    @torch.no_grad()
    def _drawn(
        self,
        indices: list[int],
        seed: int,
        draw: Callable[[list[int], ImageDraws], torch.Tensor],
    ) -> np.ndarray:
        """In batches of one size: equal shapes give equal bits."""
        batch, images = self.profile.sample_batch, []
        with progress(self.title, len(indices)) as advance, retain_freed_memory():
            for first in range(0, len(indices), batch):
                rows = indices[first : first + batch]
                filled = rows + rows[:1] * (batch - len(rows))
                draws = ImageDraws([torch_generator("sample", seed, i) for i in filled], self.device)
                with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None):
                    x = draw(filled, draws).float()
                if not torch.isfinite(x).all():
                    raise MribenchError(f"{self.model.name} gave values that are not finite; try fp32")
                images.append((x[: len(rows), 0].clamp(-1, 1) / 2 + 0.5).cpu().numpy())
                advance(first + len(rows))
        return np.concatenate(images)
