"""Plain image files through Pillow: PNG, JPEG, TIFF (8 or 16 bit, float, multi-page)."""

from __future__ import annotations

import os
import re
import struct
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mribench.errors import DataError
from mribench.spec import ImageFile, Reader, Volume

# Pillow modes that hold one channel exactly; everything else with colour goes through RGB
GREY = ("L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
COLOUR = ("RGB", "RGBA", "RGBX", "P", "PA", "LA", "1", "CMYK", "YCbCr")
# what Pillow's decoders raise for damaged files
DAMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError, struct.error)


def read_image(path: Path, name: str) -> np.ndarray:
    """float32 (pages, H, W) in the file's own units; colour becomes luminance (ITU-R BT.601).

    Three equal channels are one channel, exactly. Raises DataError, naming ``name``, for a file that is not
    an image, is cut off, mixes page sizes, or holds 16-bit colour (which Pillow would silently cut to 8
    bits).
    """
    return _read_pages(path, name)[0]


def _read_pages(path: Path, name: str) -> tuple[np.ndarray, bool]:
    """As ``read_image``, and whether a page has colours."""
    from PIL import Image, ImageSequence, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                _refuse_deep_colour(image, name)
                pages = [_page(page, name) for page in ImageSequence.Iterator(image)]
    except UnidentifiedImageError as error:
        raise DataError(
            f"{name} is not an image that Pillow can read; expected PNG, JPEG or TIFF."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{name} is too large ({error}); cut it into smaller images first.") from error
    except DAMAGE as error:
        raise DataError(f"{name} is damaged or cut off ({error}); fetch or export it again.") from error
    if len({page.shape for page, _ in pages}) != 1:
        raise DataError(f"{name} has pages of different sizes; save each size as a file of its own.")
    return np.stack([page for page, _ in pages]), any(coloured for _, coloured in pages)


def luminance(rgb: np.ndarray) -> np.ndarray:
    """(..., 3) -> float32 (...): the channel where all three are equal, else 0.299 R + 0.587 G + 0.114 B."""
    channels = rgb.astype(np.float32)
    if not has_colour(rgb):
        return np.ascontiguousarray(channels[..., 0])
    return channels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def has_colour(rgb: np.ndarray) -> bool:
    """Whether the three channels of (..., 3) differ anywhere."""
    return bool((rgb[..., :1] != rgb[..., 1:]).any())


def _page(page, name: str) -> tuple[np.ndarray, bool]:
    """float32 (H, W), and whether it has colours."""
    if page.mode in GREY:
        return np.asarray(page, dtype=np.float32), False
    if page.mode in COLOUR:
        rgb = np.asarray(page.convert("RGB"))
        return luminance(rgb), has_colour(rgb)
    raise DataError(f"{name} has Pillow mode {page.mode}; save it as 8- or 16-bit greyscale.")


def _refuse_deep_colour(image, name: str) -> None:
    raw = [str(tile.args) for tile in image.tile] if image.mode in ("RGB", "RGBA") else []
    if any(";16" in args for args in raw):
        raise DataError(
            f"{name} is 16-bit colour, which would lose half its bits; save it as 16-bit greyscale."
        )


def _read(files: Sequence[ImageFile], subject: str) -> Iterator[Volume]:
    """A volume per folder and image size, ordered by slice number or name; a multi-page file is one by itself."""
    ordered = sorted(
        files, key=lambda file: (os.path.dirname(file.name), file.slice or 0, _natural(file.name))
    )
    stacks: dict[tuple[str, tuple[int, ...]], list[np.ndarray]] = {}
    coloured: dict[tuple[str, tuple[int, ...]], int] = {}
    for file in ordered:
        pages, is_coloured = _read_pages(file.path, file.name)
        source = file.name if len(pages) > 1 else os.path.dirname(file.name) or "."
        key = source, pages.shape[1:]
        stacks.setdefault(key, []).append(pages)
        coloured[key] = coloured.get(key, 0) + is_coloured
    for key, pages in stacks.items():
        note = (
            f"luminance of {coloured[key]} of {len(pages)} files, which are in colour"
            if coloured[key]
            else ""
        )
        yield Volume(subject, np.concatenate(pages), None, key[0], note=note)


def _natural(name: str) -> list[str | int]:
    """Sorts slice_2 before slice_10."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))]


def _example(folder: Path) -> None:
    from PIL import Image

    for number in (1, 2):
        Image.fromarray(np.full((10, 12), 50 * number, np.uint8)).save(folder / f"example_{number}.png")


IMAGE = Reader(
    name="image",
    title="PNG, JPEG, TIFF, BMP",
    suffixes=(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"),
    read=_read,
    example=_example,
)
