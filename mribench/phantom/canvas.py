"""A label map that becomes an MR image: paint tissues, then render the signal."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from mribench.errors import InputError
from mribench.phantom.fields import smooth_field
from mribench.phantom.signal import AIR, Sequence, Tissue

Array = np.ndarray
FINE = 192  # samples a side, at least: averaged down they give partial volume at tissue edges
SMALLEST = 8


class Canvas:
    """An oversampled label map over x, y in [-1, 1]; later paint covers earlier paint.

    Attributes:
        size: pixels a side of the image; InputError under 8.
        x: float32 (n, n), coordinates of the samples, to the right; n >= 192 is a multiple of ``size``.
        y: the same, downwards.
        axes: the same as a row (1, n) and a column (n, 1).
        labels: uint8 (n, n), an index into ``tissues``.
        tissues: names, in the order of their first painting.
    """

    def __init__(self, size: int):
        if size < SMALLEST:
            raise InputError(f"The size of a phantom is {size} pixels; ask for at least {SMALLEST}.")
        self.size = size
        self.over = -(-FINE // size)
        n = size * self.over
        axis = ((np.arange(n) + 0.5) / n * 2 - 1).astype(np.float32)
        self.axes = axis[None, :], axis[:, None]
        self.x, self.y = np.meshgrid(axis, axis)
        self.tissues = ["air"]
        self.labels = np.zeros((n, n), dtype=np.uint8)

    def paint(
        self,
        tissue: str,
        implicit: Array,
        window: tuple[slice, slice] | None = None,
        over: Collection[str] | None = None,
    ) -> None:
        """Give every point where ``implicit`` is negative, or True, to ``tissue``.

        Args:
            tissue: its name.
            implicit: (n, n), or the shape of ``window``.
            window: the rows and columns that ``implicit`` covers.
            over: the tissues that may be covered; all where None.
        """
        if tissue not in self.tissues:
            self.tissues.append(tissue)
        labels = self.labels if window is None else self.labels[window]
        inside = implicit if implicit.dtype == bool else implicit < 0
        if over is not None:
            inside = inside & np.array([name in over for name in self.tissues])[labels]
        np.copyto(labels, np.uint8(self.tissues.index(tissue)), where=inside)

    def label_map(self) -> Array:
        """uint8 (size, size): the tissue at the centre of each pixel."""
        return self.labels[self.over // 2 :: self.over, self.over // 2 :: self.over].copy()

    def average(self, fine: Array) -> Array:
        """Mean over each pixel's fine samples: (n, n) -> float32 (size, size). This is the partial volume."""
        shape = self.size, self.over, self.size, self.over
        return fine.reshape(shape).mean(axis=(1, 3), dtype=np.float32)

    def render(
        self, tissues: Mapping[str, Tissue], sequence: Sequence, rng: np.random.Generator,
        grain: float = 0.12, modes: int = 12, opposed: Collection[str] = (),
    ) -> Array:  # fmt: skip
        """The signal of each tissue under a sequence, averaged per pixel.

        Args:
            tissues: by name.
            sequence: of the scanner.
            rng: of the texture.
            grain: width of the waves of the texture in tissues with ``texture`` > 0.
            modes: number of these waves.
            opposed: tissues whose signal has the opposite phase. Within a pixel they cancel the others, which draws
                dark rims.

        Returns:
            float32 (size, size), >= 0.

        Raises:
            InputError: a painted tissue is not in ``tissues``.
        """
        known = {"air": AIR, **tissues}
        if missing := [name for name in self.tissues if name not in known]:
            raise InputError(f"The tissue {missing[0]!r} was painted but has no values; add it to the table.")
        phase = [-1 if name in opposed else 1 for name in self.tissues]
        level = [p * sequence.signal(known[name]) for p, name in zip(phase, self.tissues, strict=True)]
        fine = np.array(level, dtype=np.float32)[self.labels]
        texture = np.array([known[name].texture for name in self.tissues], dtype=np.float32)
        if texture.any():
            gain = texture[self.labels]
            gain *= smooth_field(rng, *self.axes, grain, modes)
            gain += 1
            fine *= np.maximum(gain, 0, out=gain)
        return np.abs(self.average(fine))
