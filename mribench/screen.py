"""What the commands print: tables with rich on a terminal, the same words off it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mribench import summary, tables
from mribench.doctor import Check
from mribench.leaderboard import Board
from mribench.plugins import Entry
from mribench.verdict import against_control

# off a terminal nothing may be cut: whoever reads a log or a pipe has no wider window to open
console = Console(width=None if Console().is_terminal else 240, highlight=False, soft_wrap=False)


def plugins(entries: Sequence[Entry]) -> None:
    table = _table("group", "name", "distribution", "version", "entry point", "problem")
    for e in entries:
        known = map(Text, (e.group, e.name, e.distribution, e.version, e.value))
        table.add_row(*known, Text(e.problem or "", style="red"))
    console.print(table)


def records(rows: Sequence[Any]) -> None:
    """Frozen dataclasses as a JSON list, for other programs."""
    print(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))


def checks(found: Sequence[Check]) -> None:
    styles = {"ok": "green", "note": "yellow", "broken": "red"}
    table = _table("check", "state", "found")
    for check in found:
        table.add_row(check.name, Text(check.state, style=styles[check.state]), Text(check.words))
    console.print(table)


def boards(made: Sequence[Board]) -> None:
    """The headline table of each board, and what the numbers allow to say."""
    for board in made:
        titles, lines = tables.headline(board)
        table = _table(*titles, title=tables.one_line(board))
        for row, line in zip(board.rows, lines, strict=True):
            table.add_row(*map(Text, line), style="dim" if row.is_control else None)
        console.print(table)
        for sentence in against_control(board):
            console.print(f"  {sentence}", markup=False)
        console.print()
    titles, lines = summary.table(made)
    table = _table(*titles, title="All organs (different data: read along a row, do not rank down a column)")
    for line in lines:
        table.add_row(*map(Text, line))
    console.print(table)


def _table(*titles: str, title: str | None = None) -> Table:
    table = Table(
        title=title and Text(title), title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for words in titles:
        table.add_column(Text(words), overflow="fold")
    return table
