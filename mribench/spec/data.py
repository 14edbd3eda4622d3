"""Prepared images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mribench.spec.field import Field

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Split:
    """One split in memory."""

    images: np.ndarray  # uint8 (N, H, W)
    subjects: tuple[str, ...]  # N subject ids
    # those that a task or variant of the run asked for, by name; uint8 (N, H, W), or what ``Field.kind`` says
    fields: Mapping[str, np.ndarray] = field(default_factory=dict, kw_only=True, repr=False)

    def __len__(self) -> int:
        return len(self.subjects)

    @property
    def n_subjects(self) -> int:
        return len(set(self.subjects))

    def unit(self) -> np.ndarray:
        """float32 (N, H, W) in [0, 1]."""
        return self.images.astype("float32") / 255


@dataclass(frozen=True)
class Prepared:
    """A prepared dataset on disk: a Hugging Face ``datasets`` folder with splits train, validation and test."""

    path: Path
    key: str  # content hash over pixels, subjects and splits
    name: str  # what the board calls the data: "phantom", a card id, a chosen name, or ``local-<8 hex of the key>``
    kind: Literal["phantom", "real"]  # the two never share a board
    train: Split
    validation: Split
    test: Split
    manifest: Mapping[str, Any] = field(default_factory=dict)
    is_mri: bool = True  # as its modality says
    modality: str = ""  # name of the organ; empty where none was said
    fields: Mapping[str, Field] = field(default_factory=dict)  # what the arrays in ``Split.fields`` mean
    field_keys: Mapping[str, str] = field(default_factory=dict)  # content hash of each over all splits
