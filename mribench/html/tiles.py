"""Saved grids taken apart into images, and put together again small enough to travel inside a page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mribench.figures import GAP, MARGIN, PAPER

SCALE = 2  # of ``figures.captioned``
BETWEEN = 16  # of ``figures.beside``, after scaling
MOST = 96  # pixels of an image on the page
GREYS = 64


@dataclass(frozen=True)
class Grid:
    """images: uint8 (N, H, W), shown ``columns`` to a row."""

    images: np.ndarray
    columns: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        n, height, width = self.images.shape
        rows = -(-n // self.columns)
        return rows * (height + GAP) - GAP, self.columns * (width + GAP) - GAP


def read(path: Path, size: int, columns: int) -> Grid | None:
    """The left-most grid of a picture that ``figures`` drew: ``columns`` images to a row, each of ``size`` pixels.

    None where the file is missing, is no picture, or has another layout.
    """
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L"))[MARGIN::SCALE, ::SCALE]
    except (OSError, ValueError, SyntaxError):
        return None
    pitch = size + GAP
    rows = (len(pixels) + GAP) // pitch
    if rows < 1 or pixels.shape[1] < columns * pitch - GAP or rows * pitch - GAP != len(pixels):
        return None
    images = [
        pixels[top : top + size, left : left + size]
        for top in range(0, rows * pitch, pitch)
        for left in range(0, columns * pitch, pitch)
    ]
    # what the last row lacks is paper
    while images and (images[-1] == PAPER).all():
        images.pop()
    return Grid(np.stack(images), columns) if images else None


def smaller(grid: Grid) -> Grid:
    """The same with images of at most ``MOST`` pixels."""
    side = max(grid.images.shape[1:])
    if side <= MOST:
        return grid
    height, width = (max(1, n * MOST // side) for n in grid.images.shape[1:])
    shrunk = [Image.fromarray(i).resize((width, height), Image.Resampling.LANCZOS) for i in grid.images]
    return Grid(np.stack([np.asarray(i) for i in shrunk]), grid.columns)


def data_uri(grid: Grid) -> str:
    """The grid as a PNG of 64 grey levels, transparent between the images."""
    height, width = grid.shape
    canvas = np.full((height, width), GREYS, dtype=np.uint8)
    for i, image in enumerate(grid.images):
        top, left = (
            place * (side + GAP) for place, side in zip(divmod(i, grid.columns), image.shape, strict=True)
        )
        levels = np.rint(image * ((GREYS - 1) / 255)).astype(np.uint8)
        canvas[top : top + image.shape[0], left : left + image.shape[1]] = levels
    picture = Image.frombytes("P", (width, height), canvas.tobytes())
    greys = np.rint(np.arange(GREYS) * (255 / (GREYS - 1))).astype(np.uint8)
    picture.putpalette([*greys.repeat(3).tolist(), PAPER, PAPER, PAPER])
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True, transparency=GREYS)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
