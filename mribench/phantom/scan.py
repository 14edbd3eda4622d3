"""A painted slice in the scanner: the image, and what else can be had of the same slice.

An organ paints a ``Canvas`` and says with a ``Scan`` how it is seen. The image comes from there, and so do label maps,
second contrasts, the image without noise, and the image of the same person with a lesion.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from mribench.phantom import scanner
from mribench.phantom.canvas import Canvas
from mribench.phantom.draws import field_rng
from mribench.phantom.signal import Sequence, Tissue
from mribench.spec import Field, PhantomSlice

Array = np.ndarray


@dataclass(frozen=True)
class Scan:
    """One painted slice with its scanner, and the random streams as painting has left them."""

    canvas: Canvas
    tissues: Mapping[str, Tissue]  # also those of lesions
    sequence: Sequence
    address: tuple[int, int, int]  # seed, subject, slice
    subject: np.random.Generator  # draws the bias field
    slice: np.random.Generator  # draws texture, then noise
    params: Mapping[str, Any]  # what was drawn, for ``PhantomSlice.params``
    snr: float
    coil: float = 0.0
    bias: float = 0.1
    coil_angle: float | None = None
    grain: float = 0.12  # as ``Canvas.render`` takes it, and the two below
    modes: int = 12
    opposed: tuple[str, ...] = ()  # under the organ's own sequence
    sensitivity: Array | float = 1.0  # what the signal is multiplied by, (size, size)
    inside: Array | None = None  # bool (size, size); what lies outside is 0, as after skull stripping
    # paints the person's lesion over the canvas that it is given; the stream is the same for all slices of the person
    paint_lesion: Callable[[Canvas, np.random.Generator], None] | None = None

    def image(self) -> PhantomSlice:
        """The image with its label map."""
        noise = deepcopy(self.slice)
        signal = self._signal(self.canvas, self.sequence, noise)
        shared = self.coil, self.bias, self.coil_angle
        image, settings = scanner.acquire(signal, deepcopy(self.subject), noise, self.snr, *shared)
        labels = self.canvas.label_map()
        if self.inside is not None:
            image, labels = image * self.inside, labels * self.inside
        told = {name: value for name, value in self.params.items() if name != "scanner"}
        told = {"tissues": self.canvas.tissues, **told}
        return PhantomSlice(image, labels, {**told, "scanner": settings | self.params.get("scanner", {})})

    def clean(self) -> Array:
        """The image without noise, at the grey scale of the image: float32 (size, size) in [0, 1]."""
        received, _, white = self._reference()
        return self._shown(received, white)

    def contrast(self, name: str, sequence: Sequence) -> Array:
        """The same slice under another sequence, with noise of its own: float32 (size, size) in [0, 1]."""
        received = self._received(self.canvas, sequence)
        sigma = scanner.noise_level(received, self.snr)
        noisy = scanner.add_noise(received, self._noise(name), sigma)
        return self._shown(noisy, scanner.white(noisy))

    def structures(self, structures: tuple[tuple[str, tuple[str, ...]], ...]) -> Array:
        """uint8 (size, size), 1 + the index of the structure that a pixel's tissue belongs to; 0 for all else."""
        index = {tissue: i for i, (_, tissues) in enumerate(structures, start=1) for tissue in tissues}
        table = np.array([index.get(tissue, 0) for tissue in self.canvas.tissues], dtype=np.uint8)
        labels = table[self.canvas.label_map()]
        return labels if self.inside is None else labels * self.inside

    def lesion(self) -> Array:
        """The mask of the person's lesion: uint8 (size, size), 1 where it fills at least half of a pixel."""
        canvas = self._with_lesion()
        fresh = canvas.labels != self.canvas.labels
        mask = canvas.average(fresh.astype(np.float32)) >= 0.5
        return (mask if self.inside is None else mask & self.inside).astype(np.uint8)

    def abnormal(self) -> Array:
        """The slice with the lesion, noise of its own, at the grey scale of the image: float32 (size, size)."""
        received = self._received(self._with_lesion(), self.sequence)
        _, sigma, white = self._reference()
        return self._shown(scanner.add_noise(received, self._noise("abnormal"), sigma), white)

    def _with_lesion(self) -> Canvas:
        canvas = copy(self.canvas)
        canvas.labels, canvas.tissues = self.canvas.labels.copy(), list(self.canvas.tissues)
        if self.paint_lesion is not None:
            seed, subject, _ = self.address
            self.paint_lesion(canvas, field_rng(seed, subject, "lesion"))
        return canvas

    def _signal(self, canvas: Canvas, sequence: Sequence, texture: np.random.Generator) -> Array:
        opposed = self.opposed if sequence == self.sequence else ()
        rendered = canvas.render(
            self.tissues, sequence, texture, grain=self.grain, modes=self.modes, opposed=opposed
        )
        return rendered * self.sensitivity

    def _received(self, canvas: Canvas, sequence: Sequence) -> Array:
        signal = self._signal(canvas, sequence, deepcopy(self.slice))
        return scanner.receive(signal, deepcopy(self.subject), self.coil, self.bias, self.coil_angle)[0]

    def _reference(self) -> tuple[Array, float, float]:
        """Of the image: what the coil receives, the level of its noise, and the value that is shown as 1."""
        noise = deepcopy(self.slice)
        signal = self._signal(self.canvas, self.sequence, noise)
        received, _ = scanner.receive(signal, deepcopy(self.subject), self.coil, self.bias, self.coil_angle)
        sigma = scanner.noise_level(received, self.snr)
        return received, sigma, scanner.white(scanner.add_noise(received, noise, sigma))

    def _noise(self, name: str) -> np.random.Generator:
        seed, subject, slice = self.address
        return field_rng(seed, subject, name, slice)

    def _shown(self, image: Array, white: float) -> Array:
        image = scanner.to_unit(image, white)
        return image if self.inside is None else image * self.inside


@dataclass(frozen=True)
class ScanFields:
    """The fields of an organ whose slices are ``Scan`` values; what ``Modality.draw_fields`` takes.

    Pairs and no dictionaries: they enter the hash that names what is drawn.
    """

    scan: Callable[[int, int, int, int], Scan]  # (seed, subject, slice, size)
    structures: tuple[tuple[str, tuple[str, ...]], ...]  # name and tissues of each
    contrasts: tuple[tuple[str, Sequence], ...]
    has_lesion: bool = True

    @property
    def fields(self) -> tuple[Field, ...]:
        """For ``Modality.fields``."""
        names = ("background", *(name for name, _ in self.structures))
        found = [Field("labels", "labels", names), Field("clean", "image")]
        found += [Field(name, "image") for name, _ in self.contrasts]
        lesion = [Field("abnormal", "image"), Field("lesion", "mask"), Field("healthy", "image")]
        return (*found, *lesion) if self.has_lesion else tuple(found)

    def __call__(
        self, seed: int, subject: int, slice: int, size: int, names: Collection[str], /
    ) -> Mapping[str, Array]:
        """As ``mribench.spec.DrawFields``; the slice is painted once for all names."""
        scan, contrasts = self.scan(seed, subject, slice, size), dict(self.contrasts)
        draw: dict[str, Callable[[], Array]] = {
            "labels": lambda: scan.structures(self.structures),
            "clean": scan.clean,
            "abnormal": scan.abnormal,
            "lesion": scan.lesion,
            "healthy": lambda: scan.image().image,
        }
        return {
            name: scan.contrast(name, contrasts[name]) if name in contrasts else draw[name]()
            for name in names
        }
