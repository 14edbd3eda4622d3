"""One line per organ and trained variant: the top of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mribench.board import columns
from mribench.board.against_control import CONTROL, word
from mribench.board.boards import Board
from mribench.board.control_checks import ceiling, violations
from mribench.board.html import strips
from mribench.board.html.axes import Axis
from mribench.board.html.markup import Markup, element, join
from mribench.board.html.panel import notes, rank
from mribench.board.html.pictures import Picture, first_images
from mribench.board.html.table import Cell, Line, blank, number, plain, table
from mribench.board.ranks import standings
from mribench.board.rows import Address, Entry, Row

Pictures = Mapping[int, list[Picture]]
SIGNS = {"ahead": "▲ ahead", "behind": "▼ behind", "not told apart": "= not told apart"}


def glance(boards: Sequence[Board], anchors: Sequence[str], pictures: Pictures) -> Markup:
    """The sortable table of all trained rows, the ranking number drawn on one scale."""
    first = next((b for b in boards if b.primary), None)
    lead = first.primary if first else None
    others = _others(boards, lead)
    axis = strips.scale([entry for board in boards for entry in _drawn(board, lead)], 0.0)
    with_images = any(picture.grid for found in pictures.values() for picture in found)
    titles = ["organ and variant"]
    titles += [columns.title(first, lead), "rank", f"against {CONTROL}"] if lead else ["rank"]
    titles += ["first images"] if with_images else []
    titles += [columns.title(board, address) for address, board in others.items()]
    titles += ["test subjects", "seeds", "NFE", "train s", "notes"]
    lines = []
    for index, board in enumerate(boards):
        places = standings(board)
        for row in (row for row in board.rows if not row.is_control):
            place = places[row.name]
            cells = [_name(board, row, anchors[index], boards)]
            cells += [_lead(board, row, lead, axis)] if lead else []
            cells += [rank(place)] + ([_against(board, row)] if lead else [])
            organ = board.members[0].data["title"]
            cells += [Cell(first_images(pictures[index], row.name, organ))] if with_images else []
            cells += [_other(board, row, address) for address in others]
            lines.append(Line([*cells, *_cost(board, row), plain(notes(place.notes, row.audit))], "trained"))
    return table("All organs: trained variants. Organs are different data: read along a row.", titles, lines)


def _name(board: Board, row: Row, anchor: str, boards: Sequence[Board]) -> Cell:
    """Organ with a link to its panel, and the variant; where an organ has several boards, also what they are of."""
    about, c = board.members[0].data["title"], board.comparability
    several = sum(other.modality == board.modality for other in boards) > 1
    which = f"{row.name}, {c['data']}, {c['profile']}" if several else row.name
    bad = element("span", "INVALID", class_="note grave") if violations(board) else None
    link = element("a", about, href=f"#{anchor}")
    return Cell(join(link, element("span", which, class_="which"), bad), f"{about} {which}")


def _lead(board: Board, row: Row, address: Address, axis: Axis | None) -> Cell:
    """What the board ranks by, drawn beside the Gaussian control and real images."""
    entry = row.entries.get(address)
    if entry is None or entry.value is None:
        return blank(entry.reason if entry else None)
    seeds = [s.value for s in row.scores(address).values() if s.value is not None]
    unit = columns.metric(board, address[0])["unit"]
    return number(entry, unit, axis, "trained", seeds, _band(board, address), _marks(board, address))


def _against(board: Board, row: Row) -> Cell:
    control = board.row(CONTROL)
    said = word(board, row, control) if control else ""
    return plain(SIGNS.get(said, said), said) if said else blank(f"no number of the {CONTROL} control")


def _cost(board: Board, row: Row) -> list[Cell]:
    nfe, _, seconds = columns.cost(row)
    subjects = board.members[0].data["subjects"]["test"]
    counts = [Cell(str(subjects), float(subjects)), Cell(columns.seeds(row), float(len(row.seeds)))]
    return counts + [plain(said, float(said.replace(",", "")) if said else None) for said in (nfe, seconds)]


def _others(boards: Sequence[Board], lead: Address | None) -> dict[Address, Board]:
    """Further headline columns that have a number somewhere, each with a board that knows it."""
    found: dict[Address, Board] = {}
    for board in boards:
        for address in columns.headline_addresses(board):
            known = [row.entries.get(address) for row in board.rows if not row.is_control]
            if address != lead and any(e and e.value is not None for e in known):
                found.setdefault(address, board)
    return found


def _other(board: Board, row: Row, address: Address) -> Cell:
    entry = row.entries.get(address)
    if entry is None or entry.value is None:
        return blank(entry.reason if entry else None)
    return number(entry, columns.metric(board, address[0])["unit"], None, "trained")


def _drawn(board: Board, address: Address | None) -> list[Entry]:
    """What decides the common scale: trained rows, the Gaussian control, real images; noise is far off it."""
    if address is None:
        return []
    rows = [row for row in board.rows if not row.is_control or row.variant == CONTROL]
    floor = board.floor_of(address)
    found = [row.entries.get(address) for row in rows]
    found += [columns.floor_entry(floor, board), columns.halves_entry(floor, board)]
    return [e for e in found if e is not None and e.value is not None]


def _band(board: Board, address: Address) -> strips.Band | None:
    """Up to where numbers are those of real images."""
    most, low = ceiling(board, address), board.floor_of(address).get("half_low")
    return None if most is None else (min(low or 0.0, most), most)


def _marks(board: Board, address: Address) -> list[tuple[float, str]]:
    control = board.row(CONTROL)
    entry = control.entries.get(address) if control else None
    return [(entry.value, CONTROL)] if entry and entry.value is not None else []
