"""A solver at work: images are measured, and found again with the denoiser of a trained variant or without one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from mribench.errors import MribenchError
from mribench.progress import progress
from mribench.sampling.reverse import ImageDraws
from mribench.seeds import torch_generator
from mribench.spec import Denoiser, Measurement, Problem, Solver


class UnitDenoiser:
    """D(x; sigma) of grey values in [0, 1], from that of [-1, 1]: a ``mribench.spec.Denoiser``."""

    def __init__(self, denoiser: Denoiser):
        self._denoiser = denoiser
        least, largest = denoiser.sigmas
        self.sigmas = least / 2, largest / 2

    @property
    def nfe(self) -> int:
        return self._denoiser.nfe

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        return (self._denoiser(2 * x - 1, 2 * sigma) + 1) / 2


class SolvingModel:
    """``mribench.spec.problem.Answers``: a solver with the denoiser of its prior.

    Short batches are filled up, as in sampling: an image is answered alike in any batch.

    Args:
        solver: What answers.
        problem: How images are measured.
        denoiser: Of images in [-1, 1]; None for a solver that needs none.
        batch: Images at once.
        device: Where the denoiser runs.
        title: What the progress bar says.
    """

    def __init__(
        self,
        solver: Solver,
        problem: Problem,
        denoiser: Denoiser | None,
        batch: int,
        device: torch.device,
        title: str = "solve",
    ):
        self.solver, self.problem = solver, problem
        self._batch, self._device, self._title = batch, device, title
        self._denoiser = UnitDenoiser(denoiser) if denoiser else None
        self.nfe: list[int] = []  # calls of the denoiser for an image, of each call of ``answer``

    def answer(
        self,
        level: float,
        images: np.ndarray,
        seed: int,
        sample: int = 0,
        setting: Mapping[str, Any] | None = None,
    ) -> np.ndarray:
        """As ``mribench.spec.problem.Answers``. Raises MribenchError where the answer is not finite."""

        def solved(measurement: Measurement, contents: list[str]) -> torch.Tensor:
            draws = self._draws("solved", contents, self.problem.name, level, seed, sample)
            before = self._denoiser.nfe if self._denoiser else 0
            x = self.solver.solve(self._denoiser, measurement, draws, **(setting or {}))
            used.append((self._denoiser.nfe if self._denoiser else 0) - before)
            if not torch.isfinite(x).all():
                raise MribenchError(
                    f"solver {self.solver.name} gave values that are not finite on {self.problem.name} at level "
                    f"{level:g}, expected grey values; mend it, or leave out its setting {dict(setting or {})}"
                )
            return x

        used: list[int] = []
        found = self._by_batch(level, images, seed, solved)
        self.nfe.append(max(used))
        return found

    def adjoint(self, level: float, images: np.ndarray, seed: int) -> np.ndarray:
        """As ``mribench.spec.problem.Answers``."""
        return self._by_batch(
            level, images, seed, lambda measurement, _: measurement.operator.adjoint(measurement.y)
        )

    # a solver that needs gradients asks for them
    @torch.no_grad()
    def _by_batch(self, level: float, images: np.ndarray, seed: int, do: Any) -> np.ndarray:
        found = []
        with progress(f"{self._title}, level {level:g}", len(images)) as advance:
            for first in range(0, len(images), self._batch):
                chunk = images[first : first + self._batch]
                filled = np.concatenate([chunk, chunk[:1].repeat(self._batch - len(chunk), axis=0)])
                contents = [hashlib.sha256(np.ascontiguousarray(image)).hexdigest() for image in filled]
                x = torch.from_numpy(filled.astype(np.float32) / 255).unsqueeze(1).to(self._device)
                draws = self._draws("measured", contents, self.problem.name, level, seed)
                x = do(self.problem.measure(x, level, draws), contents)
                found.append(x[: len(chunk), 0].float().clamp(0, 1).cpu().numpy())
                advance(first + len(chunk))
        return np.concatenate(found)

    def _draws(self, use: str, contents: list[str], *address: int | str | float) -> ImageDraws:
        """Random numbers of each image by its content, so that they do not depend on its place."""
        return ImageDraws([torch_generator(use, content, *address) for content in contents], self._device)
