"""What the commands print: tables with rich on a terminal, the same words off it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mribench import tables
from mribench.doctor import Check
from mribench.leaderboard import Board, against_control
from mribench.plugins import Entry

# off a terminal nothing may be cut: whoever reads a log or a pipe has no wider window to open
console = Console(width=None if Console().is_terminal else 240, highlight=False, soft_wrap=False)


def plugins(entries: Sequence[Entry]) -> None:
    table = _table("group", "name", "distribution", "version", "entry point", "problem")
    for e in entries:
        table.add_row(e.group, e.name, e.distribution, e.version, e.value, Text(e.problem or "", style="red"))
    console.print(table)


def checks(found: Sequence[Check]) -> None:
    styles = {"ok": "green", "note": "yellow", "broken": "red"}
    table = _table("check", "state", "found")
    for check in found:
        table.add_row(check.name, Text(check.state, style=styles[check.state]), check.words)
    console.print(table)


def boards(made: Sequence[Board]) -> None:
    """The headline table of each board, and what the numbers allow to say."""
    for board in made:
        titles, lines = tables.headline(board)
        table = _table(*titles, title=tables.one_line(board))
        for row, line in zip(board.rows, lines, strict=True):
            table.add_row(*line, style="dim" if row.is_control else None)
        console.print(table)
        for sentence in against_control(board):
            console.print(f"  {sentence}", markup=False)


def cards(known: Mapping[str, Any]) -> None:
    table = _table("id", "organ", "contrast", "subjects", "licence", "access", "title")
    for card in known.values():
        table.add_row(card.id, card.organ, card.contrast, str(card.subjects), card.licence, card.access, card.title)
    console.print(table)


def dataset(name: str) -> None:
    from mribench.data import describe, load, load_cards
    from mribench.errors import InputError

    known = load_cards()
    if name in known:
        for field, value in vars(known[name]).items():
            console.print(Text(f"{field:<16} {value}"))
    elif Path(name).is_dir():
        console.print(Text(describe(load(Path(name)))))
    else:
        raise InputError(f"{name!r} is neither a registry id ({', '.join(known)}) nor a prepared folder")


def _table(*titles: str, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for words in titles:
        table.add_column(Text(words), overflow="fold")
    return table
