"""A generator that exists already: mribench draws from it and scores it, and trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import numpy as np


class GenerateImages(Protocol):
    """uint8, or float in [0, 1], (len(indices), H, W), of the side that is scored; image i depends on (seed, i) alone.

    (len(indices), 1, H, W) and (len(indices), H, W, 1) are taken too.
    """

    def __call__(self, indices: range, seed: int, /) -> np.ndarray: ...


@dataclass(frozen=True)
class PretrainedModel:
    """A generator that was trained elsewhere; an entry point in ``mribench.models`` puts it on boards by its name."""

    name: str
    title: str
    paper: str
    generate: GenerateImages
    version: int = 1
    # what boards call the data whose training subjects it has seen; None: unknown, and the audit cannot clear it
    trained_on: str | None = None
    # what the record says of its origin, JSON-serialisable: ``kind``, ``sha256`` of the weights or images, ...
    source: Mapping[str, Any] = field(default_factory=dict)
    is_control: ClassVar[bool] = False


@dataclass(frozen=True)
class RestoredImages:
    """Answers to the questions of one task that were found elsewhere; on its boards a row of their own."""

    name: str
    title: str
    paper: str
    task: str  # name of the task that asks
    # level -> uint8 (n, samples, H, W), in the order of the questions
    images: Mapping[float, np.ndarray]
    version: int = 1
    # what the record says of their origin: ``kind`` and ``sha256``
    source: Mapping[str, Any] = field(default_factory=dict)
    is_control: ClassVar[bool] = False
