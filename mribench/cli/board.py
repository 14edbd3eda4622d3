"""``mribench leaderboard`` and ``compare``: what results say."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mribench.cli.options import Format, check_format
from mribench.errors import InputError

if TYPE_CHECKING:
    from mribench.board.boards import Board


def leaderboard(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="run folders and kept boards; several are merged where comparable"),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="a run folder, a kept board, a folder of these, or a published user/name[@revision]; repeat it",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="folder of a kept board: all records go there, in a file for each organ, and the pictures"
        ),
    ] = None,
    html: Annotated[
        bool, typer.Option(help="also write the page, leaderboard.html, which opens from disk")
    ] = True,
    speed: Annotated[
        Path | None, typer.Option(help="folder of the speed records (MACHINE/speed.json) that the page shows")
    ] = None,
    tables: Annotated[
        bool | None,
        typer.Option(
            "--tables/--no-tables",
            help="also write leaderboard.csv and .json; default: yes, except for a kept board",
        ),
    ] = None,
    format: Format = "table",
) -> None:
    """Make tables and page from run folders and kept boards.

    Writes leaderboard.html, .md, .csv and .json, and prints the boards.

    Of a file of a kept board, which holds one organ, the board is printed and nothing written.

    With --from, local and published results are merged and printed; --out keeps them.
    """
    check_format(format)
    from mribench import results
    from mribench.board import publish
    from mribench.board.boards import boards
    from mribench.progress import say

    if sources:
        _print_merged([*map(str, folders or ()), *sources], out, html, speed, tables, format)
        return
    if not folders:
        raise InputError("no run folder given; name one, or --from a folder of runs or a published user/name")
    found = results.read_all(folders, say)
    made = boards(found)
    if out:
        written = publish.collect(found, folders, out, html, speed, tables)
    else:
        # a records file is one organ of a board: its folder's tables are of all
        written = [] if folders[0].is_file() else publish.write(made, folders[0], html, speed, tables)
    print_boards(made, format)
    _name(written, format)


def _print_merged(
    sources: list[str], out: Path | None, html: bool, speed: Path | None, tables: bool | None, format: str
) -> None:
    from mribench.board import publish
    from mribench.board.boards import boards
    from mribench.hub.merge import gathered
    from mribench.progress import say

    merged = gathered(sources)
    for note in merged.notes:
        say(note)
    written = publish.collect(merged.results, merged.folders, out, html, speed, tables) if out else []
    print_boards(boards(merged.results), format)
    _name(written, format)


def print_boards(made: Sequence[Board], format: str = "table") -> None:
    """Boards as tables, or as JSON."""
    from mribench.board import export
    from mribench.cli import console

    if format == "json":
        print(export.json_text(made), end="")
    else:
        console.boards(made)


def _name(written: list[Path], format: str) -> None:
    """The files, the page last: below all that scrolls by."""
    for path in sorted(written, key=lambda path: path.suffix == ".html"):
        print(path, file=sys.stderr if format == "json" else sys.stdout)


def compare(
    first: Annotated[str, typer.Argument(help="result file, run folder, kept board, or FOLDER:VARIANT")],
    second: Annotated[str, typer.Argument(help="what it is compared with, given in the same way")],
    format: Format = "table",
) -> None:
    """Compare two results, each difference with its interval.

    Where two results are not comparable, the fields that differ are named.
    """
    from mribench.board import compare as comparing
    from mribench.cli import console

    check_format(format)
    comparison = comparing.compare(comparing.select(first), comparing.select(second))
    if format == "json":
        print(console.json_text(comparing.as_json(comparison)))
    else:
        console.comparison(comparison)


def add_to(app: typer.Typer) -> None:
    app.command()(leaderboard)
    app.command()(compare)
