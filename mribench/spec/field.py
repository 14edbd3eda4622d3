"""Named fields: arrays that data have beside their images, drawn or read only where something asks for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np

SLICE = "slice"  # index of an image in its volume; every prepared set has it
KSPACE, COIL_MAPS, NOISE = "kspace", "coil-maps", "noise"  # made together, of files with raw data
NOT_ANNOTATED = 255  # every pixel of a label map or mask that nobody has drawn


@dataclass(frozen=True)
class Field:
    """One field: what it is called and what its numbers mean.

    Names with a meaning of their own, whatever the organ:

    - ``labels``: the label map of the image.
    - ``t1w``, ``t2w``, ``flair``, ``pdw``, ...: the same slice in another contrast, with noise of its own.
    - ``clean``: the image before noise, on its grey scale.
    - ``abnormal``: the same slice of the same person with a lesion, with noise of its own, on the image's grey scale.
    - ``lesion``: the mask of the lesion in ``abnormal``, and of data without that field in the image itself.
    - ``healthy``: the healthy twin of ``abnormal``. It differs by the lesion, its surroundings and noise.
    - ``end-diastole``, ``end-systole``: the same slice of a heart, filled and contracted; each has noise of its own.
    - ``end-diastole-labels``, ``end-systole-labels``: the label maps of these two.
    - ``motion``: how far from each pixel of ``end-systole`` its tissue lies in ``end-diastole``.
    - ``slice``: index of the image in its volume, int64 (N,). Every set has it and no organ declares it.
    - ``kspace``: the fully sampled k-space of the image from the scanner, on its grid and its grey scale. It is
      orthonormal, zero frequency first; the inverse Fourier transform is ``coil-maps`` times the image, plus noise.
    - ``coil-maps``: sensitivities, which hold the slow phase of the image too; their squares add up to 1.
    - ``noise``: standard deviation of the real and of the imaginary part of ``kspace``, in grey ranges.
    """

    name: str
    # image: grey values; labels: an index into ``names``; mask: 0 or 1; index: a whole number of each image; complex:
    # complex64 (N, coils, H, W); number: float32 (N,); displacement: float32 (N, 2, H, W), down and right, in pixels
    kind: Literal["image", "labels", "mask", "index", "complex", "number", "displacement"]
    names: tuple[str, ...] = ()  # of the values of a label map, the background first


class DrawFields(Protocol):
    """Draws fields of one slice of one subject; a pure function of its arguments, and picklable.

    Args:
        seed, subject, slice, size: Those of the image, as ``Phantom`` takes them.
        names: Which fields; only these are drawn.

    Returns:
        Of each name float32 (size, size) in [0, 1] for an image, uint8 (size, size) for a label map or mask, float32
        (2, size, size) for a displacement.
    """

    def __call__(
        self, seed: int, subject: int, slice: int, size: int, names: Collection[str], /
    ) -> Mapping[str, np.ndarray]: ...
