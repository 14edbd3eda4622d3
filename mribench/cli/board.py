"""``mribench leaderboard`` and ``compare``: what results say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mribench.cli.options import check_format
from mribench.errors import InputError


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
        typer.Option(help="folder of a kept board: all records go there in one file, and the pictures"),
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
) -> None:
    """Make tables and page from run folders and kept boards.

    Writes leaderboard.html, .md, .csv and .json, and prints the boards.

    With --from, local and published results are merged and printed; --out keeps them.
    """
    from mribench import results
    from mribench.board import publish
    from mribench.board.boards import boards
    from mribench.cli import console
    from mribench.progress import say

    if sources:
        _print_merged([*map(str, folders or ()), *sources], out, html, speed, tables)
        return
    if not folders:
        raise InputError("no run folder given; name one, or --from a folder of runs or a published user/name")
    found = results.read_all(folders, say)
    if out:
        written = publish.collect(found, folders, out, html, speed, tables)
    else:
        home = folders[0].parent if folders[0].is_file() else folders[0]
        written = publish.write(found, home, html, speed, tables)
    console.boards(boards(found))
    _name(written)


def _print_merged(
    sources: list[str], out: Path | None, html: bool, speed: Path | None, tables: bool | None
) -> None:
    from mribench.board import publish
    from mribench.board.boards import boards
    from mribench.cli import console
    from mribench.hub.merge import gathered
    from mribench.progress import say

    merged = gathered(sources)
    for note in merged.notes:
        say(note)
    written = publish.collect(merged.results, merged.folders, out, html, speed, tables) if out else []
    console.boards(boards(merged.results))
    _name(written)


def _name(written: list[Path]) -> None:
    """The files, the page last: below all that scrolls by."""
    for path in sorted(written, key=lambda path: path.suffix == ".html"):
        print(path)


def print_boards(folders: list[Path]) -> None:
    """The boards of run folders, merged where comparable."""
    from mribench import results
    from mribench.board.boards import boards
    from mribench.cli import console

    # what is left out was said when the pages were written
    console.boards(boards(results.read_all(folders, lambda sentence: None)))


def compare(
    first: Annotated[str, typer.Argument(help="result file, run folder, kept board, or FOLDER:VARIANT")],
    second: Annotated[str, typer.Argument(help="what it is compared with, given in the same way")],
    format: Annotated[str, typer.Option(help="table or json")] = "table",
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
