"""Pictures of a cell: samples, real beside generated, forward and reverse process (the study's Figs 7-9)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mribench import files

GAP = 2  # pixels between the images of a grid
MARGIN = 22  # pixels above a picture, for its caption
SIDE_GAP = 16  # pixels between pictures side by side
BACKGROUND, INK = 255, 30  # grey levels


def grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Images uint8 (N, H, W) row by row in one picture: uint8 (rows * (H + GAP) - GAP, columns * (W + GAP) - GAP)."""
    n, height, width = images.shape
    rows = -(-n // columns)
    canvas = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP), BACKGROUND, dtype=np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + GAP), i % columns * (width + GAP)
        canvas[top : top + height, left : left + width] = image
    return canvas


def captioned(picture: np.ndarray, caption: str, scale: int = 2) -> np.ndarray:
    """The picture, enlarged ``scale`` times without smoothing, below one line of text."""
    body = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    font = ImageFont.load_default(13)
    # a caption wider than the picture is not cut: the picture gets a margin on its right
    width = max(body.shape[1], 8 + int(font.getlength(caption)))
    image = Image.new("L", (width, body.shape[0] + MARGIN), BACKGROUND)
    image.paste(Image.fromarray(body), (0, MARGIN))
    ImageDraw.Draw(image).text((4, 4), caption, fill=INK, font=font)
    return np.asarray(image)


def captioned_columns(columns: Mapping[str, np.ndarray], caption: str) -> np.ndarray:
    """Images in columns, each in its row, below the caption and the names of the columns.

    Args:
        columns: By name, integers (N, H, W) from 0 to 255.
        caption: Of the picture.

    Returns:
        uint8 (height, width), one picture.
    """
    return _captioned(np.stack(list(columns.values()), axis=1), columns, caption)


def captioned_rows(rows: Mapping[str, np.ndarray], caption: str) -> np.ndarray:
    """``captioned_columns`` turned: what has a name is a row, and an image has its column."""
    return _captioned(np.stack(list(rows.values())), rows, caption)


def _captioned(images: np.ndarray, names: Iterable[str], caption: str) -> np.ndarray:
    """Images (rows, columns, H, W) below the caption and the names."""
    cells = images.reshape(-1, *images.shape[2:])
    return captioned(grid(cells, images.shape[1]), f"{caption}: {' | '.join(names)}")


def side_by_side(*pictures: np.ndarray) -> np.ndarray:
    """Pictures side by side on white, aligned at the top."""
    height = max(len(p) for p in pictures)
    padded = [np.pad(p, ((0, height - len(p)), (0, SIDE_GAP)), constant_values=BACKGROUND) for p in pictures]
    return np.concatenate(padded, axis=1)[:, :-SIDE_GAP]


def table(heads: Sequence[str], rows: Mapping[str, Sequence[np.ndarray]]) -> np.ndarray:
    """Images in a table, in their own size: a head above each column, a name before each row.

    Args:
        heads: Of the columns.
        rows: By name, for each column the images of its cell, uint8 (N, H, W), all of one shape.

    Returns:
        uint8 (height, width).
    """
    font = ImageFont.load_default(13)
    cells = [
        np.concatenate(
            [
                np.pad(grid(images, len(images)), ((0, GAP), (0, 0)), constant_values=BACKGROUND)
                for images in column
            ]
        )
        for column in zip(*rows.values(), strict=True)
    ]
    body = side_by_side(*cells)
    left = 12 + max(int(font.getlength(name)) for name in rows)
    pitch, height = cells[0].shape[1] + SIDE_GAP, len(body) // len(rows)
    image = Image.new("L", (left + body.shape[1], MARGIN + len(body)), BACKGROUND)
    image.paste(Image.fromarray(body), (left, MARGIN))
    draw = ImageDraw.Draw(image)
    for i, head in enumerate(heads):
        draw.text((left + i * pitch, 4), head, fill=INK, font=font)
    for i, name in enumerate(rows):
        draw.text((4, MARGIN + i * height + height // 2), name, fill=INK, font=font, anchor="lm")
    return np.asarray(image)


def evenly_spaced(n: int, count: int) -> np.ndarray:
    """At most ``count`` indices evenly over range(n), because the first images of a set are often of one subject."""
    return np.linspace(0, n - 1, min(n, count)).astype(int)


def save(path: Path, picture: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    files.write_bytes(path, buffer.getvalue())


def forward_process(
    images: np.ndarray, alphas_cumprod: np.ndarray, frames: int, rng: np.random.Generator
) -> np.ndarray:
    """x_t for timesteps spread evenly from 0 to T - 1.

    Args:
        images: uint8 (N, H, W).
        alphas_cumprod: alpha-bar of each of the T timesteps.
        frames: number of timesteps.
        rng: draws the noise.

    Returns:
        uint8 (N, frames, H, W).
    """
    x0 = images[:, None] / 127.5 - 1
    levels = alphas_cumprod[evenly_spaced(len(alphas_cumprod), frames)][None, :, None, None]
    x_t = np.sqrt(levels) * x0 + np.sqrt(1 - levels) * rng.standard_normal(
        (len(images), frames, *images.shape[1:])
    )
    return np.clip((x_t + 1) * 127.5, 0, 255).astype(np.uint8)


def overview(organs: dict[str, tuple[np.ndarray, np.ndarray]], rows: int = 4) -> np.ndarray:
    """One picture of a suite: for each organ a column of real images beside one of generated images.

    organs: title -> (real uint8 (N, H, W), generated uint8 (M, H, W)), all of one size.
    """
    columns = []
    for title, (real, generated) in organs.items():
        n = min(rows, len(real), len(generated))
        chosen = real[evenly_spaced(len(real), n)], generated[:n]
        pair = np.stack(chosen, axis=1).reshape(-1, *real.shape[1:])
        columns.append(
            captioned(grid(pair, 2), f"{title}: held out | generated", 1 if real.shape[1] > 96 else 2)
        )
    return side_by_side(*columns)
