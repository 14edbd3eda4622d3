"""k-space of a set that was read from files with raw data, with coil maps and noise level: fields made together.

Coil images go through what the images of the set went through: they are cut to the field of view, brought to the set's
size by the same linear map, and put on its grey scale. So image, maps and k-space fit each other, and what does not (a
slow phase that is not slow, noise) is what a solver meets in reality.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mribench.data import coils
from mribench.data.file_fields import Beside, Progress, address
from mribench.data.readers.table import table
from mribench.data.slices import fit
from mribench.data.split import SPLITS
from mribench.data.store import arrow
from mribench.errors import DataError
from mribench.seeds import numpy_rng
from mribench.spec import Field, Prepared, Volume
from mribench.spec.field import COIL_MAPS, KSPACE, NOISE

FIELDS = {name: Field(name, "complex") for name in (KSPACE, COIL_MAPS)} | {NOISE: Field(NOISE, "number")}
VERSION = 1  # raise it where the same files give other fields
# root mean square of what the image of k-space may differ from the file's own image, in parts of that
AGREES = 0.1
# the least noise: that of rounding images to 8 bits
ROUNDING = 1 / 255 / 12**0.5


class Made(NamedTuple):
    """The fields of one slice."""

    kspace: np.ndarray  # complex64 (coils, size, size)
    maps: np.ndarray  # complex64 (coils, size, size)
    noise: float


def has_kspace(part: Beside) -> bool:
    """Whether an image comes with raw data."""
    return any(next(_raw(part, file), None) is not None for file in part.files)


def read(
    prepared: Prepared, parts: Sequence[Beside], progress: Progress | None = None
) -> dict[str, tuple[Field, dict[str, Any]]]:
    """``kspace``, ``coil-maps`` and ``noise`` of every image of a set, by split, as ``Field`` says.

    Args:
        prepared: The set.
        parts: Of the sources that it was made of.
        progress: Called with (volumes done, files in all).

    Raises:
        DataError: Where a file has no k-space, not all of it, or one that gives other images than the file's.
    """
    size = int(prepared.manifest["size"])
    places = {
        address(*row): (split, i)
        for split in SPLITS
        for i, row in enumerate(arrow.rows(prepared.path, split))
    }
    windows = {address(row["subject"], 0, row["source"])[:2]: row for row in prepared.manifest["windows"]}
    n_coils = min(coils.COILS, max(_coils(part, file) for part in parts for file in part.annotated))
    arrays = _Arrays({split: len(getattr(prepared, split)) for split in SPLITS}, n_coils, size, prepared.path)
    total, done = sum(len(part.files) for part in parts), 0
    for part in parts:
        for file, image, numbers in part.slices():
            subject, source, _ = address(image.subject, 0, image.source)
            kept = [i for i in range(len(numbers)) if (subject, source, i) in places]
            if kept:
                raw = _chosen(part, file, [numbers[i] for i in kept])
                window = windows[subject, source]
                for i, made in zip(kept, _volume(raw, image, kept, window, n_coils, size), strict=True):
                    arrays.put(places.pop((subject, source, i)), made)
            done += 1
            if progress:
                progress(done, max(done, total))
    if places:
        subject, source, _ = min(places)
        raise DataError(f"some images of {subject}, {source}, have no k-space; add the missing files.")
    return {name: (FIELDS[name], by_split) for name, by_split in arrays.by_name.items()}


class _Arrays:
    """The arrays of all splits, in files without a name: a set may be larger than memory."""

    def __init__(self, n: Mapping[str, int], n_coils: int, size: int, beside: Path) -> None:
        def new(rows: int, dtype: type, *shape: int) -> np.ndarray:
            if not rows:
                return np.zeros((0, *shape), dtype)
            with tempfile.TemporaryFile(dir=beside.parent) as file:
                return np.memmap(file, dtype, "w+", shape=(rows, *shape))

        shape = n_coils, size, size
        self.by_name = {
            KSPACE: {split: new(rows, np.complex64, *shape) for split, rows in n.items()},
            COIL_MAPS: {split: new(rows, np.complex64, *shape) for split, rows in n.items()},
            NOISE: {split: np.zeros(rows, np.float32) for split, rows in n.items()},
        }

    def put(self, place: tuple[str, int], made: Made) -> None:
        split, row = place
        # of fewer coils the last ones stay 0
        self.by_name[KSPACE][split][row, : len(made.kspace)] = made.kspace
        self.by_name[COIL_MAPS][split][row, : len(made.maps)] = made.maps
        self.by_name[NOISE][split][row] = made.noise


def _raw(part: Beside, image: Path) -> Iterator[np.ndarray]:
    """What ``ReadKSpace`` yields of an image's file, complex64 (coils, rows, columns); nothing where it is silent."""
    file = part.file(image)
    reader = table(part.source.reader).reader_of_any(file, file.name)
    return reader.kspace(file, file.name) if reader.kspace else iter(())


def _coils(part: Beside, image: Path) -> int:
    first = next(_raw(part, image), None)
    if first is None:
        raise DataError(
            f"{part.file(image).name} has no k-space beside its images; give files with raw data, or leave tasks of "
            "real k-space out."
        )
    return len(first)


def _chosen(part: Beside, file: Path, numbers: Sequence[int]) -> Iterator[np.ndarray]:
    """The k-space of some slices of a file, in order."""
    wanted, found = set(numbers), 0
    for i, kspace in enumerate(_raw(part, file)):
        if i in wanted:
            coils.check_sampling(kspace, file.name)
            found += 1
            yield kspace
    if found < len(wanted):
        raise DataError(f"{file.name} has k-space of fewer slices than images; fetch it again.")


def _volume(
    raw: Iterator[np.ndarray],
    image: Volume,
    kept: Sequence[int],
    window: Mapping[str, Any],
    n_coils: int,
    size: int,
) -> Iterator[Made]:
    """The fields of the kept slices of a volume, which share one grey scale and one level of noise."""
    shape, spacing = image.pixels.shape[1:], image.spacing[1:] if image.spacing else None
    small, corners = [], []
    # of the image of k-space m and the file's own, which may be scaled: sums of m^2, m times own, own^2
    sums = np.zeros(3)
    for i, kspace in zip(kept, raw, strict=True):
        whole = coils.coil_images(kspace)
        corners.append(coils.corner(whole))
        images = coils.around_the_middle(whole, shape)
        found, own = np.sqrt(np.square(np.abs(images)).sum(0, dtype=np.float64)), image.pixels[i]
        sums += [(found * found).sum(), (found * own).sum(), np.square(own, dtype=np.float64).sum()]
        small.append(_fitted(coils.compressed(images, n_coils), size, spacing))
    scale = sums[1] / sums[0] if sums[0] > 0 else 0.0
    differs = np.sqrt(max(sums[2] - scale * sums[1], 0.0) / sums[2]) if sums[2] > 0 else 1.0
    if differs > AGREES:
        raise DataError(
            f"{image.source} has k-space whose images differ from its own by {differs:.0%}, expected at most "
            f"{AGREES:.0%}; give images that are the root of the sum of squares of its coils."
        )
    low, high = window["low"], window["high"]
    noise = coils.standard_deviation(np.concatenate(corners))
    if noise is not None:
        noise *= _gain(shape, size, spacing)
    for images in small:
        yield _on_the_grey_scale(images, noise, scale, low, high)


def _on_the_grey_scale(
    images: np.ndarray, noise: float | None, scale: float, low: float, high: float
) -> Made:
    """What the window did to the magnitude of a slice, done to its coil images, whose phase is kept.

    The image of the set is (m - min(m, low)) / (high - low). In the second m, the image at the low resolution of the
    maps stands for m, so that what is subtracted is known and k-space stays linear in the image.
    """
    images = images * np.float32(scale / (high - low))
    maps, magnitude = coils.sensitivities(images)
    images = images - maps * np.minimum(magnitude, np.float32(low / (high - low)))
    noise = None if noise is None else noise * scale / (high - low)
    if noise is None:
        # the image is real but for noise: what else is in its imaginary part counts as noise too
        noise = float((maps.conj() * images).sum(0).imag.std())
    kspace = np.fft.fft2(images, norm="ortho").astype(np.complex64)
    return Made(kspace, maps, max(noise, ROUNDING))


def _fitted(images: np.ndarray, size: int, spacing: tuple[float, float] | None) -> np.ndarray:
    """As ``fit``, which is linear, complex64 (coils, size, size)."""
    parts = [[fit(part, size, spacing) for part in (image.real, image.imag)] for image in images]
    return np.stack([real + 1j * imaginary for real, imaginary in parts]).astype(np.complex64)


def _gain(shape: tuple[int, ...], size: int, spacing: tuple[float, float] | None) -> float:
    """By how much ``fit`` changes the standard deviation of white noise."""
    white = fit(numpy_rng("noise", *shape).standard_normal(shape, np.float32), size, spacing)
    return float(white[white != 0].std())
