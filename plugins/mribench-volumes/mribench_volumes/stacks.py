"""Three neighbouring slices of a subject as channels, and what of them a solver is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mribench.spec import Draws, Measurement, Split

if TYPE_CHECKING:
    import torch

KIND = "neighbours"
SLICE = "slice"  # the field that every set has: index of an image in its volume


def stack_rows(split: Split) -> np.ndarray:
    """Rows of the slice before, the slice and the slice after: int64 (m, 3), of every slice that has both.

    Neighbours follow each other among the prepared slices of a subject. A subject with two slices of one index has more
    volumes than one, whose slices cannot be told apart: it is left out.
    """
    index, subjects = np.asarray(split.fields[SLICE]), np.asarray(split.subjects)
    found = []
    for name in dict.fromkeys(split.subjects):
        rows = np.flatnonzero(subjects == name)
        rows = rows[np.argsort(index[rows], kind="stable")]
        if len(np.unique(index[rows])) == len(rows):
            found += [rows[k : k + 3] for k in range(len(rows) - 2)]
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def channels(split: Split) -> np.ndarray:
    """uint8 (m, 3, H, W): the stacks of ``stack_rows``; the slices before and after are sought."""
    return split.images[stack_rows(split)]


@dataclass(frozen=True)
class Repeated:
    """In an operator's place: no linear map leads to the neighbours. What stands for them is the slice, twice."""

    def __call__(self, x: torch.Tensor, /) -> torch.Tensor:
        return x

    def adjoint(self, y: torch.Tensor, /) -> torch.Tensor:
        return as_answer(y.expand(-1, 2, -1, -1))


def shown(x: torch.Tensor, level: float, draws: Draws) -> Measurement:
    """The slice in the middle as it is. x: float32 (N, 3, H, W) in [0, 1], as ``channels``."""
    return Measurement(x[:, 1:2], Repeated(), 0.0, (x.shape[-2], x.shape[-1]))


def neighbours(x: torch.Tensor) -> torch.Tensor:
    """(N, 2, H, W): the slices before and after of stacks (N, 3, H, W); an image alone is its own neighbour."""
    return x[:, ::2] if x.shape[1] == 3 else x.expand(-1, 2, -1, -1)


def as_answer(both: torch.Tensor) -> torch.Tensor:
    """(N, 1, 2 H, W), what a solver returns for the slices before and after, (N, 2, H, W)."""
    return both.reshape(len(both), 1, -1, both.shape[-1])


def neighbours_of(answers: np.ndarray) -> np.ndarray:
    """(N, 2, H, W) of answers (N, 2 H, W)."""
    return answers.reshape(len(answers), 2, -1, answers.shape[-1])


def apart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Root mean square difference of slices (N, 2, H, W) and (N, 2, H, W), in grey ranges: a mean over both, (N,)."""
    return np.sqrt(np.square(x.astype(np.float64) - y).mean((2, 3))).mean(1)
