"""Tables: every number with its interval in words and drawn, sortable where there is JavaScript."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mribench.board import columns
from mribench.board.boards import Board
from mribench.board.html import strips
from mribench.board.html.axes import Axis
from mribench.board.html.markup import Child, Markup, element, join
from mribench.board.lines import halves_estimate, train_estimate
from mribench.board.rows import Address, Estimate, Row


@dataclass(frozen=True)
class Cell:
    """value: what the column is sorted by where it is not what the cell says; what is blank sorts last."""

    content: Child
    value: float | str | None = None


@dataclass(frozen=True)
class Line:
    """The first cell names the line. kind: ``trained``, ``control``, ``real`` or empty; then, where the script draws,
    ``beyond`` (far off the scale of the others) or ``band`` (its interval is shaded in every line)."""

    cells: Sequence[Cell]
    kind: str = ""


def table(caption: str, titles: Sequence[Child], lines: Iterable[Line], how: str = "sortable") -> Markup:
    """A table in a box that scrolls sideways by itself, so that the page never does.

    how: what the script does with it: ``sortable``, also ``intervals`` to draw what the cells say in words, or nothing.
    """
    head = element("tr", *(element("th", title, scope="col") for title in titles))
    rows = [
        element(
            "tr",
            *(_cell(cell, i == 0, "sortable" in how) for i, cell in enumerate(line.cells)),
            class_=line.kind or None,
        )
        for line in lines
    ]
    made = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", head),
        element("tbody", *rows),
        class_=how or None,
    )
    return element("div", made, class_="scroll", role="region", aria_label=caption, tabindex=0)


def _cell(cell: Cell, first: bool, sortable: bool) -> Markup:
    about = {"scope": "row"} if first else {}
    return element(
        "th" if first else "td", cell.content, data_value=_key(cell) if sortable else None, **about
    )


def _key(cell: Cell) -> str | None:
    """What the script cannot read out of the cell itself."""
    value = f"{cell.value:.6g}" if isinstance(cell.value, int | float) else cell.value
    said = str(cell.content).replace(",", "") if isinstance(cell.value, int | float) else cell.content
    return None if value == said else value


class Column:
    """One metric of a board, on one scale for all its rows; drawn: here, and not by the script."""

    def __init__(self, board: Board, address: Address, drawn: bool = True):
        self.board, self.address = board, address
        self.unit = board.metrics[address[0]]["unit"]
        self.real = train_estimate(board, address)
        self.halves = halves_estimate(board, address)
        # noise is so far from everything that the rest would be one point; it is drawn as beyond the scale
        known = [row.estimates.get(address) for row in board.rows if not row.off_scale]
        self.axis = strips.scale([*known, self.real, self.halves]) if drawn else None

    @property
    def title(self) -> Markup:
        """Heading, with the metric's full name where a pointer or a screen reader asks for it."""
        about = self.board.metrics[self.address[0]]
        return element("span", columns.title(self.board, self.address), title=about["title"] or None)

    @property
    def band(self) -> strips.Band | None:
        """What one half of the test subjects scores against the other."""
        return (self.halves.low, self.halves.high) if self.halves else None

    def of(self, row: Row) -> Cell:
        entry = row.estimates.get(self.address)
        if entry is None or entry.value is None:
            return blank(entry.reason if entry else None)
        seeds = [s.value for s in row.scores(self.address).values() if s.value is not None]
        kind = "control" if row.is_control else "trained"
        return number(entry, self.unit, self.axis, kind, seeds, self.band)

    def of_real(self, entry: Estimate | None) -> Cell:
        return blank() if entry is None else number(entry, self.unit, self.axis, "real", (), self.band)


def number(
    entry: Estimate,
    unit: str,
    axis: Axis | None,
    kind: str,
    seeds: Sequence[float] = (),
    band: strips.Band | None = None,
    marks: Sequence[tuple[float, str]] = (),
) -> Cell:
    """The value, what follows it in brackets, and the drawing (none where axis is None)."""
    value, _, rest = columns.number(entry, unit).partition(" ")
    drawn = strips.strip(axis, entry, kind, seeds, band, marks) if axis else None
    return Cell(join(element("b", value), element("small", f" {rest}") if rest else None, drawn))


def blank(reason: str | None = None) -> Cell:
    """An empty cell that says why, to whoever asks."""
    return Cell(element("span", "–", class_="blank", title=reason or "no number"))


def plain(content: Child, value: float | str | None = None) -> Cell:
    """A cell of words; sorted by them where nothing else is given."""
    return Cell(content, value)


def filled_columns(board: Board, addresses: Iterable[Address], drawn: bool = True) -> list[Column]:
    """Those columns in which any row has a number; why another is blank stands in the notes."""
    return [
        Column(board, address, drawn)
        for address in addresses
        if any((e := row.estimates.get(address)) and e.value is not None for row in board.rows)
    ]
