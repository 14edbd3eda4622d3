"""Scorecards and the sheets of reader studies as HTML files that need nothing else, also on paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from importlib.resources import files as package_files

import numpy as np
from markupsafe import Markup
from PIL import Image

from mribench.board import columns
from mribench.board.boards import Board
from mribench.board.html.page import content_hash, environment
from mribench.board.rows import Row
from mribench.scorecard.criteria import Criterion
from mribench.scorecard.reading import Sheet

PACKAGE = "mribench.scorecard"
SHOWN = 8  # generated images at the head of a scorecard
ENLARGED = 384  # pixels a side of an image of a sheet, at most


def scorecard(
    board: Board,
    row: Row,
    criteria: Sequence[Criterion],
    reading: Sequence[str],
    sheet: str,
    images: Sequence[str],
) -> str:
    """The scorecard of a row as one HTML file.

    Args:
        board: the board of the row.
        row: a trained row of it.
        criteria: the seven.
        reading: what readers said, sentences.
        sheet: name of the sheet beside the page; empty where there is none.
        images: generated images as ``data_url``.
    """
    style = _packaged("scorecard.css")
    return (
        environment(PACKAGE)
        .get_template("scorecard.html")
        .render(
            style=Markup(style),
            policy=f"style-src {content_hash(style)}",
            organ=board.organ,
            about=columns.one_line(board),
            name=row.name,
            criteria=criteria,
            reading=reading,
            sheet=sheet,
            images=images[:SHOWN],
        )
    )


def reading_sheet(title: str, sheet: Sheet) -> str:
    """The sheet of a reader study as one HTML file; it holds no solution."""
    style, script = _packaged("scorecard.css"), _packaged("reading.js")
    factor = max(1, ENLARGED // max(sheet.images.shape[1:]))
    return (
        environment(PACKAGE)
        .get_template("reading.html")
        .render(
            style=Markup(style),
            script=Markup(script),
            policy=f"style-src {content_hash(style)}; script-src {content_hash(script)}",
            title=title,
            id=sheet.id,
            images=[data_url(image) for image in sheet.images],
            width=sheet.images.shape[2] * factor,
            height=sheet.images.shape[1] * factor,
        )
    )


def data_url(image: np.ndarray) -> str:
    """uint8 (H, W) as the address of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _packaged(name: str) -> str:
    return (package_files(PACKAGE) / "templates" / name).read_text(encoding="utf-8")
