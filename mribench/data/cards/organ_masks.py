"""Of a card that shows several organs: the slices that show the one asked for, by the masks that lie beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mribench.data.cards.card import DatasetCard
from mribench.data.readers.folder import read_volumes
from mribench.errors import DataError
from mribench.spec import Volume

# a slice counts where the organ covers this share of what it covers in the slice that shows most of it;
# without a limit the tips of an organ, a few voxels of it, would count as images of it
SHARE = 0.25


def mask_names(card: DatasetCard, organ: str) -> tuple[str, ...]:
    """Masks of an organ, relative to the folder of an image; empty where every slice of the card counts."""
    return next((masks.files for masks in card.masks if masks.organ == organ), ())


def mask_files(card: DatasetCard, organ: str, images: Sequence[Path]) -> list[Path]:
    """The masks that choose the slices of these images. Raises DataError where one is missing."""
    found = [image.parent / name for image in images for name in mask_names(card, organ)]
    for file in found:
        if not file.is_file():
            raise DataError(
                f"{file.parent.name}/{file.name} is missing, and {card.id} takes its {organ} slices from it; "
                "unpack the whole archive."
            )
    return found


def showing(volumes: Iterable[Volume], card: DatasetCard, organ: str, root: Path) -> Iterator[Volume]:
    """The slices of every volume that show the organ; volumes without it are left out.

    Args:
        volumes: As the readers yield them; ``source`` begins with the image's name relative to ``root``.
        card: Whose masks decide.
        organ: What is asked for; an organ without masks keeps every slice.
        root: The folder of the files.

    Raises:
        DataError: Where a mask and its image differ in shape.
    """
    names = mask_names(card, organ)
    if not names:
        yield from volumes
        return
    for volume in volumes:
        folder = (root / volume.source).parent
        covered = np.zeros(len(volume.pixels))
        for name in names:
            mask = _read(root, folder / name, card.chosen_reader)
            if mask.shape != volume.pixels.shape:
                raise DataError(
                    f"{name} beside {volume.source} has shape {mask.shape}, the image {volume.pixels.shape}; "
                    "fetch the set again."
                )
            covered += (mask > 0).sum(axis=(1, 2))
        kept = covered >= max(1.0, SHARE * covered.max())
        if kept.any():
            yield replace(volume, pixels=volume.pixels[kept])


def _read(root: Path, file: Path, reader: str | None) -> np.ndarray:
    """(n, H, W) in the plane of the image, which has the same grid."""
    (volume,) = read_volumes(root, [file], "^.+$", reader=reader)
    return volume.pixels
