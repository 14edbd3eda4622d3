"""Fields of a set that was read from files: masks and label maps beside the images, further frames of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mribench.data.cards import organ_masks, rules
from mribench.data.cards.card import CardField
from mribench.data.readers import folder as image_folder
from mribench.data.slices import fit, window
from mribench.data.source import Source
from mribench.data.split import SPLITS
from mribench.data.store import arrow
from mribench.errors import DataError
from mribench.spec import NOT_ANNOTATED, Field, Prepared, Volume

Progress = Callable[[int, int], None]
Address = tuple[str, str, int]  # subject, source, slice
MOST_VALUES = 64  # of a user's label map: one for each structure
VERSION = 1  # raise it where the same files give other fields


@dataclass(frozen=True)
class Beside:
    """What of one source is read for a field."""

    source: Source
    files: Sequence[Path]  # the images
    field: CardField
    organ: str

    def file(self, image: Path) -> Path:
        """The file of the field that belongs to an image."""
        stem = image.name.removesuffix(".gz").rpartition(".")[0] or image.name
        named = (file.replace("{name}", image.name).replace("{stem}", stem) for file in self.field.files)
        found = [image.parent / name for name in named] or [image]
        return next((file for file in found if file.is_file()), found[0])

    @property
    def annotated(self) -> list[Path]:
        """The images whose file is there; a card may have masks of a part of its images, a user may not."""
        found = [image for image in self.files if self.file(image).is_file()]
        whole = self.source.card is None or self.field.kind == "image"
        if len(found) < len(self.files) and (whole or not found):
            image = next(image for image in self.files if image not in found)
            raise DataError(
                f"{self._shown(image)} has no {self.field.name} beside it: {self._shown(self.file(image))} is "
                "missing; add it, or correct the pattern."
            )
        if self.source.card is None and len({self.file(image) for image in found}) < len(found):
            raise DataError(
                f"several images share {self._shown(self.file(found[0]))}; put {{name}} or {{stem}} of the image into "
                "the pattern."
            )
        own = {self.file(image).resolve() for image in found} if self.field.files else set()
        if masks := own & {image.resolve() for image in self.files}:
            raise DataError(
                f"{self._shown(min(masks))} is taken for an image too; move the masks to a folder called masks, or "
                "give them names like scan_mask.png."
            )
        return found

    def _shown(self, file: Path) -> str:
        root = self.source.path if self.source.path.is_dir() else self.source.path.parent
        return Path(os.path.relpath(file, root)).as_posix()

    def volumes(self) -> Iterator[tuple[Volume, Volume]]:
        """Each image with its field, as the set was read: the slices that its rules keep."""
        fields = self._read(beside=lambda image: (self.file(image), self.field.frame))
        return self._kept(self._paired(self._read(), fields))

    def slices(self) -> Iterator[tuple[Path, Volume, list[int]]]:
        """Each image file with its volume, as the set was read, and which slices of the file its rules keep."""
        in_turn = (each for image in self._read() for each in (image, _numbered(image)))
        root = self.source.path if self.source.path.is_dir() else self.source.path.parent
        for image, numbers in self._kept(in_turn):
            name = image.source
            if self.source.card is not None and self.source.family:
                name = name.removeprefix(f"{self.source.card.id}/")
            yield root / name, image, numbers.pixels[:, 0, 0].astype(int).tolist()

    def _read(self, beside: Callable[[Path], tuple[Path, int]] | None = None) -> Iterator[Volume]:
        """The images, or what is read in their place."""
        path, card, found = self.source.path, self.source.card, self.annotated
        pattern, inside, reader = None, False, None
        if card is not None:
            pattern, inside, reader = (
                card.path_pattern,
                card.subject in rules.SUBJECT_INSIDE,
                card.chosen_reader,
            )
        # the set is made already: files that were left out then may be in metadata.csv
        return image_folder.read_volumes(
            path, found, pattern, inside, reader=reader, some_left_out=True, beside=beside
        )

    def _paired(self, images: Iterator[Volume], fields: Iterator[Volume]) -> Iterator[Volume]:
        """Images and fields in turn, both with the image's source."""
        for image in images:
            field = next(fields, None)
            if field is None or field.pixels.shape != image.pixels.shape:
                found = "nothing" if field is None else "x".join(map(str, field.pixels.shape))
                raise DataError(
                    f"{self.field.name} beside {image.subject}, {image.source}, has {found} (slices x rows x columns), "
                    f"the image {'x'.join(map(str, image.pixels.shape))}; save both on one grid."
                )
            yield image
            yield replace(image, pixels=field.pixels)

    def _kept(self, in_turn: Iterator[Volume]) -> Iterator[tuple[Volume, Volume]]:
        card = self.source.card
        if card is not None:
            # these look at the source and at the number of slices, so that they keep the same of both
            in_turn = organ_masks.showing(in_turn, card, self.organ, self.source.path)
            in_turn = rules.applied(in_turn, card, {}, self.source.family)
        for image in in_turn:
            yield image, next(in_turn)


def read(
    prepared: Prepared, parts: Sequence[Beside], progress: Progress | None = None
) -> tuple[Field, dict[str, Any]]:
    """A field of every image of a set, by split: uint8 (N, H, W); ``NOT_ANNOTATED`` where there is none.

    Args:
        prepared: The set.
        parts: Of the sources that it was made of, all of one field.
        progress: Called with (volumes done, files in all).

    Raises:
        DataError: Where a file is missing, has another size than its image, or holds values without a name.
    """
    declared, size = parts[0].field, int(prepared.manifest["size"])
    rows = {split: [address(*row) for row in arrow.rows(prepared.path, split)] for split in SPLITS}
    needed = {address for found in rows.values() for address in found}
    counts = {
        address(row["subject"], 0, row["source"])[:2]: row["slices"] for row in prepared.manifest["windows"]
    }
    drawn: dict[Address, np.ndarray] = {}
    total, done = sum(len(part.files) for part in parts), 0
    for part in parts:
        for image, volume in part.volumes():
            subject, source, _ = address(image.subject, 0, image.source)
            if counts.get((subject, source)) != len(image.pixels):
                raise DataError(
                    f"some images of {image.subject}, {image.source}, have no {declared.name}; add the missing files."
                )
            places = [i for i in range(len(image.pixels)) if (subject, source, i) in needed]
            spacing = image.spacing[1:] if image.spacing else None
            for i, found in zip(places, _fitted(volume, declared, places, size, spacing), strict=True):
                drawn[subject, source, i] = found
            done += 1
            if progress:
                progress(done, max(done, total))
    names, coded = _coded(declared, drawn, parts[0])
    blank = np.full((size, size), NOT_ANNOTATED, np.uint8)
    arrays = {
        split: np.stack([coded.get(address, blank) for address in found]) if found else blank[None][:0]
        for split, found in rows.items()
    }
    return Field(declared.name, declared.kind, names), arrays  # type: ignore[arg-type]


def _numbered(image: Volume) -> Volume:
    """The volume with the number of each slice in the place of its pixels."""
    return replace(
        image, pixels=np.broadcast_to(np.arange(len(image.pixels))[:, None, None], image.pixels.shape)
    )


def address(subject: str, slice: int, source: str) -> Address:
    """Of subjects that are unknown the source alone tells the images apart."""
    return (rules.UNKNOWN if subject.split(":")[0] == rules.UNKNOWN else subject), source, slice


def _fitted(
    volume: Volume, field: CardField, places: Sequence[int], size: int, spacing: tuple[float, float] | None
) -> Iterator[np.ndarray]:
    """Slices on the grid of the prepared images: uint8 of images and masks, uint16 of label maps."""
    if field.kind == "image":
        low, high = window(volume.pixels) or (0.0, 1.0)
        for i in places:
            unit = np.clip((volume.pixels[i] - low) / (high - low), 0, 1)
            yield np.rint(fit(unit, size, spacing) * 255).astype(np.uint8)
        return
    for i in places:
        pixels = volume.pixels[i]
        if field.kind == "mask":
            yield (fit((pixels != 0).astype(np.float32), size, spacing) >= 0.5).astype(np.uint8)
            continue
        if (pixels != np.rint(pixels)).any() or pixels.min() < 0 or pixels.max() >= 1 << 16:
            raise DataError(
                f"{field.name} beside {volume.subject}, {volume.source}, holds values from {pixels.min():g} to "
                f"{pixels.max():g}; a label map holds whole numbers from 0."
            )
        yield _most_of_each_pixel(pixels, size, spacing)


def _most_of_each_pixel(labels: np.ndarray, size: int, spacing: tuple[float, float] | None) -> np.ndarray:
    """uint16 (size, size): the label that fills most of each pixel; 0 around the image."""
    values = np.unique(labels[labels != 0])
    shares = [fit((labels == value).astype(np.float32), size, spacing) for value in values]
    if not shares:
        return np.zeros((size, size), np.uint16)
    stack = np.stack([1 - np.sum(shares, axis=0), *shares])
    return np.array([0, *values], dtype=np.uint16)[stack.argmax(0)]


def _coded(
    field: CardField, drawn: Mapping[Address, np.ndarray], part: Beside
) -> tuple[tuple[str, ...], dict[Address, np.ndarray]]:
    """Names of the values, and the maps in uint8; of a user's own files the values that occur are their names."""
    if field.kind != "labels":
        return field.names, dict(drawn)
    values = np.unique(
        np.concatenate([np.unique(labels) for labels in drawn.values()] or [np.zeros(1, np.uint16)])
    )
    if part.source.card is not None:
        known = np.array(field.values or range(len(field.names)), dtype=np.uint16)
        if unknown := sorted({*values.tolist()} - {*known.tolist()}):
            raise DataError(
                f"{field.name} holds the value {unknown[0]}, which the card does not name; correct it."
            )
        return field.names, {
            at: np.searchsorted(known, labels).astype(np.uint8) for at, labels in drawn.items()
        }
    values = np.union1d([0], values).astype(np.uint16)
    if len(values) > MOST_VALUES:
        raise DataError(
            f"{field.name} holds {len(values)} values; a label map has at most {MOST_VALUES}, one for each structure "
            "and not one for each object."
        )
    return tuple(map(str, values.tolist())), {
        at: np.searchsorted(values, labels).astype(np.uint8) for at, labels in drawn.items()
    }
