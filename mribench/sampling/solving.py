"""A solver at work: images are measured, and found again with the denoiser of a trained variant or without one."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from mribench.errors import MribenchError
from mribench.progress import progress
from mribench.sampling.reverse import ImageDraws
from mribench.seeds import numpy_rng, torch_generator
from mribench.signals import raise_if_stopped
from mribench.spec import Denoiser, Draws, Examples, Measurement, Problem, Profile, ShapeNoise, Solver


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
        train: What a solver with ``fit`` learns from, uint8 (N, H, W), or (N, C, H, W) as of ``Problem.images``.
        profile: The budget of what it learns.
        seed: Of what it learns.
        shape_noise: Makes of white noise that of the prior's process, for a solver that needs "process".
    """

    def __init__(
        self,
        solver: Solver,
        problem: Problem,
        denoiser: Denoiser | None,
        batch: int,
        device: torch.device,
        title: str = "solve",
        train: np.ndarray | None = None,
        profile: Profile | None = None,
        seed: int = 0,
        shape_noise: ShapeNoise | None = None,
    ):
        self.solver, self.problem, self._shape_noise = solver, problem, shape_noise
        self._batch, self._device, self._title = batch, device, title
        self._train, self._profile, self._seed = train, profile, seed
        self._denoiser = UnitDenoiser(denoiser) if denoiser else None
        self._fitted: dict[float, Any] = {}  # by level
        self.nfe: list[int] = []  # calls of the denoiser for an image, of each call of ``answer``
        self.train_images = 0  # that a solver with ``fit`` has learned from, with repetitions
        self.train_seconds = 0.0
        self.seconds: list[float] = []  # of an image, of each call of ``answer``; fitting does not count

    def answer(
        self,
        level: float,
        images: np.ndarray,
        seed: int,
        sample: int = 0,
        setting: Mapping[str, Any] | None = None,
        like: np.ndarray | None = None,
    ) -> np.ndarray:
        """As ``mribench.spec.problem.Answers``. Raises MribenchError where the answer is not finite."""

        known = self._known(level)

        def solved(measurement: Measurement, contents: list[str], _: slice) -> torch.Tensor:
            draws = self._draws("solved", contents, self.problem.name, level, seed, sample)
            before = self._denoiser.nfe if self._denoiser else 0
            x = self.solver.solve(known, measurement, draws, **(setting or {}))
            used.append((self._denoiser.nfe if self._denoiser else 0) - before)
            if not torch.isfinite(x).all():
                raise MribenchError(
                    f"solver {self.solver.name} gave values that are not finite on {self.problem.name} at level "
                    f"{level:g}, expected grey values; mend it, or leave out its setting {dict(setting or {})}"
                )
            return x

        used: list[int] = []
        start = time.monotonic()
        found = self._by_batch(level, images, seed, solved, like)[:, 0].clip(0, 1)
        self.nfe.append(max(used))
        self.seconds.append(round((time.monotonic() - start) / len(images), 4))
        return found

    def adjoint(self, level: float, images: np.ndarray, seed: int) -> np.ndarray:
        """As ``mribench.spec.problem.Answers``."""

        def adjoint(measurement: Measurement, *_: Any) -> torch.Tensor:
            return measurement.operator.adjoint(measurement.y)

        return self._by_batch(level, images, seed, adjoint)[:, 0].clip(0, 1)

    def measured(self, level: float, images: np.ndarray, seed: int) -> np.ndarray:
        """As ``mribench.spec.problem.Answers``."""
        return self._by_batch(level, images, seed, lambda m, *_: _picture(m))[:, 0].clip(0, 1)

    def residual(self, level: float, images: np.ndarray, answers: np.ndarray, seed: int) -> np.ndarray:
        """As ``mribench.spec.problem.Answers``."""

        def residual(m: Measurement, contents: list[str], rows: slice) -> torch.Tensor:
            x = torch.from_numpy(np.ascontiguousarray(answers[rows], np.float32)).unsqueeze(1)
            x = torch.cat([x, x[:1].expand(len(contents) - len(x), -1, -1, -1)]).to(self._device)
            difference = m.y - m.operator(x)
            squares = difference.abs().square().flatten(1).sum(1)
            # what a mask hides reads exactly 0
            numbers = (m.y != 0).flatten(1).sum(1) * (2 if m.y.is_complex() else 1)
            return (squares / numbers.clamp_min(1)).sqrt() / m.sigma

        return self._by_batch(level, images, seed, residual)

    def _known(self, level: float) -> Any:
        """What the solver gets beside the measurement: the denoiser, or what was fitted to the training images."""
        if self.solver.fit is None:
            return self._denoiser
        if self._train is None or self._profile is None:
            raise MribenchError(f"solver {self.solver.name} learns from training images, and none were given")
        if level not in self._fitted:
            images = self._train.astype(np.float32) / 255
            batches = partial(self._batches, images, level)
            examples = Examples(images, batches, self._profile, self._seed, self._device, level)
            start = time.monotonic()
            self._fitted[level] = self.solver.fit(examples)
            self.train_seconds += time.monotonic() - start
        return self._fitted[level]

    def _batches(
        self, images: np.ndarray, level: float, steps: int, size: int
    ) -> Iterator[tuple[torch.Tensor, Measurement, Draws]]:
        """As ``mribench.spec.problem.Batches``."""
        with progress(f"{self._title}, train at level {level:g}", steps) as advance:
            for step in range(steps):
                raise_if_stopped()
                address = self.problem.name, level, self._seed, step
                rows = numpy_rng("fit", *address).integers(len(images), size=size)
                x = torch.from_numpy(_with_channels(images[rows])).to(self._device)
                draws = ImageDraws([torch_generator("fit", *address, i) for i in range(size)], self._device)
                with torch.no_grad():
                    measured = self.problem.measure(x, level, draws)
                self.train_images += size
                yield x, measured, draws
                advance(step + 1)

    # a solver that needs gradients asks for them
    @torch.no_grad()
    def _by_batch(
        self, level: float, images: np.ndarray, seed: int, do: Any, like: np.ndarray | None = None
    ) -> np.ndarray:
        """What ``do`` makes of each measurement, float32 (N, ...); it is given the images' hashes and rows too.

        like: Images in whose place they are measured and answered, with the random numbers of those.
        """
        found = []
        with progress(f"{self._title}, level {level:g}", len(images)) as advance:
            for first in range(0, len(images), self._batch):
                rows = slice(first, min(first + self._batch, len(images)))
                filled = self._filled(images[rows])
                contents = hashes(filled if like is None else self._filled(like[rows]))
                made = do(measured(self.problem, level, filled, seed, self._device, contents), contents, rows)
                found.append(made[: rows.stop - first].float().cpu().numpy())
                advance(rows.stop)
        return np.concatenate(found)

    def _filled(self, chunk: np.ndarray) -> np.ndarray:
        return np.concatenate([chunk, chunk[:1].repeat(self._batch - len(chunk), axis=0)])

    def _draws(self, use: str, contents: list[str], *address: int | str | float) -> ImageDraws:
        """Random numbers of each image by its content, so that they do not depend on its place."""
        return _draws_by_content(use, contents, address, self._device, self._shape_noise)


def measured(
    problem: Problem,
    level: float,
    images: np.ndarray,
    seed: int,
    device: torch.device,
    contents: Sequence[str] | None = None,
) -> Measurement:
    """What is measured of images; mask, coils and noise depend on content, problem, level and seed.

    images: uint8 (N, H, W), or (N, C, H, W) as of ``Problem.images``.

    contents: The hash of each image's content, or of another's that is measured alike.
    """
    x = torch.from_numpy(_with_channels(images).astype(np.float32) / 255).to(device)
    draws = _draws_by_content("measured", contents or hashes(images), (problem.name, level, seed), device)
    return problem.measure(x, level, draws)


def hashes(images: np.ndarray) -> list[str]:
    """sha256 of the pixels of each image (N, ...)."""
    return [hashlib.sha256(np.ascontiguousarray(image)).hexdigest() for image in images]


def _with_channels(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W), of images (N, H, W) with one channel."""
    return images if images.ndim == 4 else images[:, None]


def _draws_by_content(
    use: str,
    contents: Sequence[str],
    address: Sequence[int | str | float],
    device: torch.device,
    shape_noise: ShapeNoise | None = None,
) -> ImageDraws:
    generators = [torch_generator(use, content, *address) for content in contents]
    return ImageDraws(generators, device, shape_noise)


def _picture(m: Measurement) -> torch.Tensor:
    """What was measured as a picture of the image's size, float32 (N, 1, H, W)."""
    y = m.y
    if y.ndim != 4:
        return torch.zeros(len(y), 1, *m.shape, device=y.device)
    if y.is_complex():
        magnitude = torch.fft.fftshift(y[:, :1].abs(), dim=(-2, -1))
        # six orders of magnitude from black to white
        shown = 1 + (magnitude / magnitude.amax((-2, -1), keepdim=True) + 1e-6).log10() / 6
        y = shown.where(magnitude > 0, 0.0)
    return torch.nn.functional.interpolate(y[:, :1].float(), size=m.shape, mode="nearest")
