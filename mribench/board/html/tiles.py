"""Saved grids taken apart into images, and put together again small enough to travel inside a page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mribench.figures import BACKGROUND, GAP, MARGIN, evenly_spaced

SCALE = 2  # of ``figures.captioned``
BETWEEN = 16  # of ``figures.side_by_side``, after scaling
MOST = 96  # pixels of an image on the page
QUALITY = 35  # of WebP: measured on phantoms of 64 x 64, 29 to 35 dB, a mean error of 3 to 7 grey levels


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
    """The left-most grid of a picture that ``figures`` drew: at most ``columns`` images of ``size`` pixels to a row.

    None where the file is missing, is no picture, or has another layout.
    """
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L"))[MARGIN::SCALE, ::SCALE]
    except (OSError, ValueError, SyntaxError):
        return None
    pitch = size + GAP
    rows, columns = (len(pixels) + GAP) // pitch, min(columns, (pixels.shape[1] + GAP) // pitch)
    if rows < 1 or columns < 1 or rows * pitch - GAP != len(pixels):
        return None
    pixels = np.pad(pixels[:, : columns * pitch], ((0, GAP), (0, GAP)), constant_values=BACKGROUND)
    cells = pixels[:, : columns * pitch].reshape(rows, pitch, columns, pitch).swapaxes(1, 2)
    if not ((cells[:, :, size:] == BACKGROUND).all() and (cells[..., size:] == BACKGROUND).all()):
        return None
    cells = cells[:, :, :size, :size]
    # what the last row lacks is paper, as are columns beside a short row under a long caption
    drawn = (cells != BACKGROUND).any(axis=(2, 3))
    if not drawn.any():
        return None
    columns = 1 + int(np.flatnonzero(drawn.any(axis=0))[-1])
    flat, last = cells[:, :columns].reshape(-1, size, size), np.flatnonzero(drawn[:, :columns].ravel())[-1]
    return Grid(flat[: last + 1], columns)


def smaller(grid: Grid) -> Grid:
    """The same with images of at most ``MOST`` pixels."""
    side = max(grid.images.shape[1:])
    if side <= MOST:
        return grid
    height, width = (max(1, n * MOST // side) for n in grid.images.shape[1:])
    shrunk = [Image.fromarray(i).resize((width, height), Image.Resampling.LANCZOS) for i in grid.images]
    return Grid(np.stack([np.asarray(i) for i in shrunk]), grid.columns)


def part(grid: Grid, rows: int, columns: int) -> Grid:
    """The first ``rows`` rows, and of each ``columns`` images evenly_spaced evenly over it."""
    across = evenly_spaced(grid.columns, columns)
    places = (np.arange(rows)[:, None] * grid.columns + across).ravel()
    return Grid(grid.images[places[places < len(grid.images)]], len(across))


def data_uri(grid: Grid) -> str:
    """The grid as lossy WebP of ``QUALITY``, transparent between the images."""
    height, width = grid.shape
    canvas = np.zeros((height + GAP, width + GAP, 2), dtype=np.uint8)
    for i, image in enumerate(grid.images):
        top, left = (
            place * (side + GAP) for place, side in zip(divmod(i, grid.columns), image.shape, strict=True)
        )
        # an image runs on below the gap: an edge there would cost, and ring within the image
        under = np.pad(image, (0, GAP), mode="edge")
        canvas[top : top + under.shape[0], left : left + under.shape[1], 0] = under
        canvas[top : top + image.shape[0], left : left + image.shape[1], 1] = 255
    picture = Image.fromarray(np.ascontiguousarray(canvas[:height, :width]), "LA").convert("RGBA")
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=QUALITY, method=5)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
