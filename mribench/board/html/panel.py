"""One board on the page: what to beware of, numbers, pictures, and where everything comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mribench.board import columns, sentences
from mribench.board.boards import Board
from mribench.board.control_checks import NOISE, violations
from mribench.board.html import origin
from mribench.board.html.audits import audits
from mribench.board.html.markup import Markup, element, join
from mribench.board.html.pictures import Picture, gallery
from mribench.board.html.table import Cell, Column, Line, blank, filled_columns, plain, table
from mribench.board.ranks import Standing, standings
from mribench.board.rows import Row
from mribench.spec import AuditVerdict

REAL = (columns.REAL_TRAIN, columns.HALVES)
COST = ("NFE", "train images", "train s")
CLOSED = "sortable intervals"  # tables within closed blocks: the script draws them


def panel(board: Board, pictures: Sequence[Picture], anchor: str) -> Markup:
    """A section with its own heading; ``anchor`` begins every id within it."""
    title = sentences.title(board)
    said, common = sentences.about(board), origin.shared(board.members)
    return element(
        "section",
        element("h2", title, id=anchor),
        element("p", join(*(f"{s.text} " for s in said if not s.loud)), class_="about"),
        *(element("p", element("b", "Read with care: "), s.text, class_="care") for s in said if s.loud),
        *invalid(board),
        _headline(board, anchor, title),
        element("ul", *(element("li", line) for line in sentences.notes(board)), class_="notes"),
        *_levels(board, title),
        *_more(board, title),
        element("div", *gallery(pictures, title), class_="gallery") if pictures else None,
        element(
            "div",
            element("h3", "Where this comes from"),
            origin.of_board(board, f"{anchor}-data", title),
            audits(board, title),
            *(origin.of_row(row, row_anchor(anchor, i), title, common) for i, row in enumerate(board.rows)),
            class_="origin",
        ),
        aria_labelledby=anchor,
    )


def row_anchor(anchor: str, index: int) -> str:
    """Where the origin of a row is found."""
    return f"{anchor}-row-{index}"


def invalid(board: Board) -> list[Markup]:
    """Loudly: what a control does that it must not."""
    said = violations(board)
    if not said:
        return []
    heading = element("p", element("b", "INVALID BOARD: nothing is ranked, and nothing may be read from it."))
    return [
        element(
            "div", heading, element("ul", *(element("li", s) for s in said)), class_="invalid", role="note"
        )
    ]


def _headline(board: Board, anchor: str, title: str) -> Markup:
    shown = filled_columns(board, columns.headline_addresses(board))
    titles = ["variant", "rank", *(c.title for c in shown), "seeds", *COST, "notes"]
    places, lines = standings(board), []
    for index, row in enumerate(board.rows):
        place = places[row.name]
        name = element("a", row.name, href=f"#{row_anchor(anchor, index)}")
        seeds = plain(columns.seeds(row), float(len(row.seeds)))
        cells = [
            plain(join(name, _kind(row)), row.name),
            rank(place),
            *(c.of(row) for c in shown),
            seeds,
            *(plain(said, _number(said)) for said in columns.cost(row)),
            plain(notes(place.notes, row.audit)),
        ]
        lines.append(Line(cells, "control" if row.is_control else "trained"))
    lines += _real(board, shown, gap=1, after=len(COST) + 2)
    return table(f"{title}: trained variants, controls, real images", titles, lines)


def _kind(row: Row) -> Markup | None:
    return element("span", "control", class_="kind") if row.is_control else None


def rank(place: Standing) -> Cell:
    """The rank interval, or why there is none."""
    if place.best is None:
        # a control's name already says so
        why = None if place.reason == "control" else place.reason
        return Cell(element("span", why, class_="blank why")) if why else blank("controls are not ranked")
    return plain(element("b", place.words), float(place.best))


def notes(said: Iterable[str], verdict: str | None) -> Markup:
    """Words on a row; those of the audit are named so, and the grave ones set apart."""
    made = []
    for one in said:
        audit = one == verdict
        grave = audit and AuditVerdict(one).grave
        made.append(
            element("span", "audit: " if audit else "", one, class_="note grave" if grave else "note")
        )
    return join(*made)


def _number(said: str) -> float | None:
    return float(said.replace(",", "")) if said else None


def _real(board: Board, shown: Sequence[Column], gap: int, after: int) -> list[Line]:
    """Real images in a model's place: training images, and halves of the test subjects."""
    found = zip(REAL, ([c.real for c in shown], [c.halves for c in shown]), strict=True)
    return [
        Line(
            [
                plain(join(name, element("span", "real", class_="kind")), name),
                *[blank("real images contest nothing")] * gap,
                *(c.of_real(entry) for c, entry in zip(shown, entries, strict=True)),
                *[blank("nothing was trained")] * after,
            ],
            "real band" if name == columns.HALVES else "real",
        )
        for name, entries in found
        if any(entries)
    ]


def _more(board: Board, title: str) -> list[Markup]:
    """The metrics that the headline leaves out."""
    shown = filled_columns(board, columns.more_addresses(board), drawn=False)
    if not shown:
        return []
    lines = [_line(row, shown) for row in board.rows] + _real(board, shown, gap=0, after=0)
    made = table(f"{title}: more metrics", ["variant", *(c.title for c in shown)], lines, CLOSED)
    return [element("details", element("summary", "More metrics"), made, class_="paper")]


def _line(row: Row, shown: Sequence[Column]) -> Line:
    cells = [plain(join(row.name, _kind(row)), row.name), *(c.of(row) for c in shown)]
    kind = "control" if row.is_control else "trained"
    return Line(cells, f"{kind} beyond" if row.variant == NOISE else kind)


def _levels(board: Board, title: str) -> list[Markup]:
    """The paired metrics at every level of noise, a table each."""
    levels = sorted({a[2] for a in board.addresses if a[2] is not None}, reverse=True)
    if len(levels) < 2:
        return []
    made = []
    for level in levels:
        shown = filled_columns(board, [a for a in board.addresses if a[2] == level], drawn=False)
        lines = [_line(row, shown) for row in board.rows]
        caption = f"{title}: restored from ᾱ = {level:.3f}"
        made.append(table(caption, ["variant", *(c.title for c in shown)], lines, CLOSED))
    return [
        element("details", element("summary", "Reconstruction at every noise level"), *made, class_="paper")
    ]
