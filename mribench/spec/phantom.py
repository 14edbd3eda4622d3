"""Organs and their phantoms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mribench.spec.field import DrawFields, Field

if TYPE_CHECKING:
    import numpy as np


class PhantomSlice(NamedTuple):
    """One drawn slice."""

    image: np.ndarray  # float32 (size, size) in [0, 1]
    labels: np.ndarray  # uint8 (size, size), an index into ``params["tissues"]``; 0 is air
    params: dict[str, Any]  # what was drawn, JSON-serialisable: anatomy, scanner, sequence


class Phantom(Protocol):
    """Draws one slice of one subject; a pure function of its arguments."""

    def __call__(self, seed: int, subject: int, slice: int, size: int = 64) -> PhantomSlice: ...


@dataclass(frozen=True)
class ReportedRow:
    """Numbers as a publication printed them. Shown apart, never ranked beside measured ones."""

    source: str
    psnr: float
    ssim: float
    mse: float
    mae: float
    fid: float


@dataclass(frozen=True)
class Modality:
    """What the study calls a modality: an organ or tissue domain. (In radiology the word means MRI, CT, PET.)"""

    name: str
    title: str
    contrast: str
    phantom: Phantom
    is_mri: bool = True
    cards: tuple[str, ...] = ()  # ids of registry datasets that suit this organ, best first
    reported: ReportedRow | None = None
    fields: tuple[Field, ...] = ()  # what the phantom has beside the image, drawn where a task asks for it
    draw_fields: DrawFields | None = None
