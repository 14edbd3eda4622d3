"""Images that were restored elsewhere, in a model's place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import torch

from mribench.errors import InputError
from mribench.sampling.solving import SolvingModel
from mribench.spec import Problem, RestoredImages, Solver


class RestoredAnswers(SolvingModel):
    """``mribench.spec.problem.Answers``: the answers are given, and what was measured is known.

    Args:
        restored: in the order in which the task asks.
        problem: which images are measured.
        batch: images at once.
    """

    def __init__(self, restored: RestoredImages, problem: Problem, batch: int):
        samples = next(iter(restored.images.values())).shape[1] > 1
        given = Solver(restored.name, restored.title, "", _refuse, needs=(), samples=samples)
        super().__init__(given, problem, None, batch, torch.device("cpu"), f"compare {restored.name}")
        self._restored = restored

    def answer(
        self,
        level: float,
        images: np.ndarray,
        seed: int,
        sample: int = 0,
        setting: Mapping[str, Any] | None = None,
        like: np.ndarray | None = None,
    ) -> np.ndarray:
        """As ``mribench.spec.problem.Answers``. Raises InputError for other numbers of images."""
        return _given(self._restored, level, len(images))[:, sample].astype(np.float32) / 255


class RestoredDenoising:
    """A ``mribench.spec.Model`` that has denoised already, and draws nothing."""

    def __init__(self, restored: RestoredImages):
        self._restored = restored

    def generate(self, indices: Sequence[int], seed: int) -> NoReturn:
        raise InputError(f"{self._restored.name} is known by restored images alone and generates none")

    def denoise(self, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
        """float32 (N, H, W) in [0, 1]."""
        return _given(self._restored, alpha_bar, len(x_t))[:, 0].astype(np.float32) / 255


def _given(restored: RestoredImages, level: float, n: int) -> np.ndarray:
    given = restored.images[level]
    if len(given) != n:
        raise InputError(
            f"{restored.name} has {len(given)} images at level {level:g}, expected {n}; restore those that "
            "`mribench questions` writes"
        )
    return given


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise InputError("restored images answer no other questions")
