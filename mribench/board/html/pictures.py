"""Pictures of the boards inside the page: only those that may be shown, the most telling first, within a budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from mribench.board import disclosure
from mribench.board.html import tiles
from mribench.board.html.values import BoardView
from mribench.results import Result

BUDGET_OF_MANY = 300_000  # of a page of many rows, whose numbers need the room
BUDGET = 400_000  # characters of all pictures of a page, which stays below 1 MiB with six organs


@dataclass(frozen=True)
class Kind:
    """One kind of picture, and how much of it the page shows."""

    title: str
    columns: int  # of its grid in the file, 0: one more than there are noise levels
    rows: int  # shown
    text: str = ""
    across: float = 1  # rows of the file that make a line on the page, 0.5: half a row
    shown: int = 12  # images of a row, at most
    of_row: bool = True  # differs from row to row of a board


# in the order in which they get a share of the budget
KINDS = {
    "samples": Kind("Generated images", 8, 3),
    "neighbours": Kind(
        "Nearest training images",
        12,
        1,
        "In threes: generated, the nearest training image, their difference; the most suspicious first.",
        across=0.5,
    ),
    "beside": Kind(
        "Held-out images", 4, 2, "What the generated ones are compared with.", across=2, of_row=False
    ),
    "restored": Kind(
        "Denoising", 0, 2, "A held-out image, then restored from more and more noise.", across=2
    ),
    "reverse": Kind("Reverse process", 10, 1, "From noise to an image, left to right.", shown=5),
    "forward": Kind(
        "Forward process", 10, 1, "From a held-out image to noise, left to right.", shown=5, of_row=False
    ),
}


@dataclass(frozen=True)
class Image:
    """A grid of images as one element of the page."""

    uri: str
    width: int
    height: int
    count: int  # of images in the grid
    columns: int
    tile: tuple[int, int]  # width and height of one image


@dataclass(frozen=True)
class Picture:
    """A picture of a run folder."""

    kind: str
    row: str  # empty where all rows of the board share it
    seed: int
    path: str  # of the file beside the page
    image: Image | None = None  # None: it did not fit, or could not be read, and is only linked
    grid: tiles.Grid | None = None  # what the image shows
    total: int = 0  # images in the file

    @property
    def about(self) -> Kind:
        return KINDS[self.kind]


def choose(boards: Sequence[BoardView], out: Path, budget: int = BUDGET) -> Mapping[str, list[Picture]]:
    """Pictures by id of the board, of each row those of its first seed.

    Kinds take turns over all boards, and so do rows, the best first: no board goes without for another's sake. Where
    one picture of a kind does not fit, the later ones of that kind are only linked: encoding each of hundreds in vain
    would take minutes.

    Args:
        boards: All boards of the page.
        out: Folder of the page and of the pictures.
        budget: Characters of all pictures together.
    """
    chosen: dict[str, list[Picture]] = {board.id: [] for board in boards}
    full: set[str] = set()
    for board, picture, result in _candidates(boards, out):
        if picture.kind not in full:
            embedded = _embedded(picture, out, result)
            size = len(embedded.image.uri) if embedded.image else 0
            if size > budget:
                full.add(picture.kind)
            else:
                budget, picture = budget - size, embedded
        chosen[board.id].append(picture)
    return chosen


def _candidates(boards: Sequence[BoardView], out: Path) -> Iterator[tuple[BoardView, Picture, Result]]:
    """Each kind in turn: the first rows of all boards, then the second; what all rows of a board share once."""
    copies = disclosure.copying(result for board in boards for result in board.results)
    by_place = list(zip_longest(*([(board, row) for row in board.trained] for board in boards)))
    for kind, about in KINDS.items():
        seen: set[tuple[str, str]] = set()
        for board, row in (line for lines in by_place for line in lines if line):
            name = row.name if about.of_row else ""
            for result in sorted(row.results, key=lambda r: r.seed):
                path = disclosure.pictures(result, copies).get(kind)
                if path and (board.id, name) not in seen and (out / path).exists():
                    seen.add((board.id, name))
                    yield board, Picture(kind, name, result.seed, path), result


def _embedded(picture: Picture, out: Path, result: Result) -> Picture:
    """The picture with its image; unchanged where the file is no grid of the size that the record names."""
    about, levels = picture.about, {score.level for score in result.scores if score.level is not None}
    columns = about.columns or 1 + len(levels)
    grid = tiles.read(out / picture.path, result.comparability["resolution"], columns)
    if grid is None:
        return picture
    total, grid = len(grid.images), tiles.part(grid, about.rows, about.shown)
    grid = tiles.smaller(replace(grid, columns=int(grid.columns * about.across)))
    return replace(picture, image=_image(grid), grid=grid, total=total)


def _image(grid: tiles.Grid) -> Image:
    (height, width), (count, tall, wide) = grid.shape, grid.images.shape
    return Image(tiles.data_uri(grid), width, height, count, grid.columns, (wide, tall))


def first_images(pictures: Sequence[Picture], row: str, count: int = 4) -> Image | None:
    """A few generated images of a row, small, to be shown beside its numbers."""
    grid = next((p.grid for p in pictures if p.kind == "samples" and p.row == row and p.grid), None)
    return _image(tiles.Grid(grid.images[:count], count)) if grid else None
