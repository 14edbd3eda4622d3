"""One picture of a board of many methods: what each of them draws of each organ, the best average rank first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mribench import figures
from mribench.board import disclosure
from mribench.board.boards import Board
from mribench.board.html import tiles
from mribench.board.html.pictures import KINDS
from mribench.board.over_organs import OverOrgans, over_organs
from mribench.board.rows import Row

PATH = "figures/methods.png"  # below the folder of a kept board
IMAGES = 2  # of each method and organ


def draw(boards: Sequence[Board], folders: Sequence[Path]) -> np.ndarray | None:
    """Held-out images, and the first generated ones of every method that has an average rank over organs.

    Args:
        boards: The first comparison over organs among them is drawn.
        folders: Where the pictures of the records lie.

    Returns:
        uint8 (H, W), or None where nothing is compared over organs, or pictures are absent or not for others to see.
    """
    found = next(iter(over_organs(boards)), None)
    if found is None:
        return None
    rows: dict[str, list[np.ndarray | None]] = {}
    for name in found.average:
        of_organs = _rows(boards, found, name)
        if not rows:
            rows["held out"] = [_images(row, "beside", folders) for row in of_organs]
        rows[name.partition(" ")[0]] = [_images(row, "samples", folders) for row in of_organs]
    whole = {name: [each for each in images if each is not None] for name, images in rows.items()}
    if any(len(images) < len(found.organs) for images in whole.values()):
        return None
    return figures.table(found.organs, whole)


def _rows(boards: Sequence[Board], found: OverOrgans, name: str) -> list[Row]:
    """The row of this name on each organ, of the boards that are compared."""
    of_organ: dict[str, Row] = {}
    for board in boards:
        row = next((row for row in board.trained if row.name == name), None)
        if row is not None and board.primary is not None:
            of_organ.setdefault(board.organ, row)
    return [of_organ[organ] for organ in found.organs]


def _images(row: Row, kind: str, folders: Sequence[Path]) -> np.ndarray | None:
    """uint8 (IMAGES, H, W) of the first training seed that has such a picture."""
    copies = disclosure.copying(row.results)
    for result in sorted(row.results, key=lambda result: result.seed):
        path = disclosure.pictures(result, copies).get(kind)
        for folder in folders if path else ():
            grid = tiles.read(folder / str(path), result.comparability["resolution"], KINDS[kind].columns)
            if grid is not None:
                return grid.images[:IMAGES]
    return None
