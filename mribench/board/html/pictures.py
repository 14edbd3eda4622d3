"""Pictures of the boards inside the page: only those that may be shown, the most telling first, within a budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mribench.board import disclosure
from mribench.board.boards import Board
from mribench.board.html import tiles
from mribench.board.html.markup import Markup, element
from mribench.results import Result

BUDGET = 400_000  # characters of all pictures of a page, which stays below 1 MiB with six organs


@dataclass(frozen=True)
class Kind:
    """columns of its grid, 0: one more than there are levels; of_row: it differs from row to row of a board.

    The page shows the first ``rows``, of each at most ``shown`` images; ``across`` rows (0.5: half a row) make a line.
    """

    title: str
    columns: int
    rows: int
    words: str = ""
    across: float = 1
    shown: int = 12
    of_row: bool = True


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
        "Reconstruction", 0, 2, "A held-out image, then restored from more and more noise.", across=2
    ),
    "reverse": Kind("Reverse process", 10, 1, "From noise to an image, left to right.", shown=5),
    "forward": Kind(
        "Forward process", 10, 1, "From a held-out image to noise, left to right.", shown=5, of_row=False
    ),
}


@dataclass(frozen=True)
class Picture:
    """uri None: it did not fit, or could not be read, and is only named; total: images in the file."""

    kind: str
    row: str
    seed: int
    path: str
    uri: str | None = None
    grid: tiles.Grid | None = None
    total: int = 0


def choose(boards: Sequence[Board], out: Path, budget: int = BUDGET) -> Mapping[int, list[Picture]]:
    """Pictures by index of the board. Kinds take turns over all boards, so that none goes without for another's sake;
    of the seeds of a row the first is shown."""
    chosen: dict[int, list[Picture]] = {i: [] for i in range(len(boards))}
    for index, picture, result in _wanted(boards, out):
        grid = tiles.read(
            out / picture.path, result.comparability["resolution"], _columns(picture.kind, result)
        )
        if grid and budget > 0:
            about, total = KINDS[picture.kind], len(grid.images)
            grid = tiles.part(grid, about.rows, about.shown)
            grid = tiles.smaller(replace(grid, columns=int(grid.columns * about.across)))
            uri = tiles.data_uri(grid)
            if len(uri) <= budget:
                budget -= len(uri)
                picture = replace(picture, uri=uri, grid=grid, total=total)
        chosen[index].append(picture)
    return chosen


def _wanted(boards: Sequence[Board], out: Path) -> Iterator[tuple[int, Picture, Result]]:
    """Each kind over all boards in turn; what is the same for all rows of a board once."""
    copies = disclosure.copying(result for board in boards for result in board.members)
    for kind, about in KINDS.items():
        for index, board in enumerate(boards):
            seen: set[str] = set()
            for row in board.rows:
                for result in () if row.is_control else sorted(row.results, key=lambda r: r.seed):
                    name = row.name if about.of_row else ""
                    path = disclosure.pictures(result, copies).get(kind)
                    if path and name not in seen and (out / path).exists():
                        seen.add(name)
                        yield index, Picture(kind, name, result.seed, path), result


def _columns(kind: str, result: Result) -> int:
    levels = {score.level for score in result.scores if score.level is not None}
    return KINDS[kind].columns or 1 + len(levels)


def first_images(pictures: Sequence[Picture], row: str, organ: str, count: int = 4) -> Markup | None:
    """A few generated images of a row, small, to stand beside its numbers."""
    found = next((p for p in pictures if p.kind == "samples" and p.row == row and p.grid), None)
    if found is None:
        return None
    few = tiles.Grid(found.grid.images[:count], count)
    tall, wide = few.shape
    size = {"width": wide, "height": tall}
    alt = f"{organ}: the first generated images of {row}"
    return element("img", src=tiles.data_uri(few), alt=alt, class_="few", **size)


def gallery(pictures: Sequence[Picture], organ: str) -> list[Markup]:
    """Figures; those without a picture inside are links to the file beside the page."""
    return [_figure(picture, organ) for picture in pictures]


def _figure(picture: Picture, organ: str) -> Markup:
    about = KINDS[picture.kind]
    which = f"{organ}, {picture.row}, seed {picture.seed}" if picture.row else organ
    of = f" of {picture.row}, seed {picture.seed}" if picture.row else ""
    caption = element("b", about.title), f"{of}. {about.words}".rstrip()
    if picture.uri is None or picture.grid is None:
        link = element("a", "open the file beside this page", href=picture.path)
        return element("figure", element("p", link), element("figcaption", caption), class_="tiles")
    n, height, width = picture.grid.images.shape
    tall, wide = picture.grid.shape
    image = element(
        "img",
        src=picture.uri,
        alt=f"{about.title}: {which}; a grid of {n} images",
        width=wide,
        height=tall,
        data_count=n,
        data_columns=picture.grid.columns,
        data_tile=f"{width} {height}",
    )
    link = element("a", f"all {picture.total} without loss", href=picture.path)
    said = element("figcaption", *caption, f" {n} images, compressed; ", link, ".")
    return element("figure", image, said, class_=f"tiles {picture.kind}")
