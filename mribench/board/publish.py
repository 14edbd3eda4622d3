"""Write boards into a folder, or publish them: with the results and pictures of run folders that they are made from."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mribench import figures, files, results
from mribench.board import disclosure, export, lines, methods_picture
from mribench.board.boards import Board, boards
from mribench.board.html.machines import read as read_machines
from mribench.board.html.page import html
from mribench.board.html.pictures import KINDS
from mribench.board.markdown import markdown
from mribench.progress import say
from mribench.results import Result

TABLES = ("leaderboard.csv", "leaderboard.json")
PICTURES = 8 << 20  # bytes of all pictures of a kept board: what a page of six organs has room to show


def write(
    made: Sequence[Board],
    out: Path,
    page: bool = True,
    speed: Path | None = None,
    tables: bool | None = None,
) -> list[Path]:
    """Write boards into a folder; the same results and pictures give the same bytes.

    Args:
        made: the boards.
        out: the folder, which holds their pictures.
        page: also leaderboard.html.
        speed: folder with records of ``mribench speed``, a folder each, that the page shows.
        tables: also leaderboard.csv and leaderboard.json; None: but in a kept board only where they are there already.

    Returns:
        The files, leaderboard.md among them.
    """
    machines = read_machines(speed) if speed else []
    records = [path.relative_to(out).as_posix() for path in results.kept.paths(out)]
    if tables is None:
        tables = not records or any((out / name).exists() for name in TABLES)
    contents = {}
    if page:
        beside = ["leaderboard.md", *TABLES * tables, *records]
        contents["leaderboard.html"] = html(made, out, machines, beside)
    contents["leaderboard.md"] = markdown(made, out)
    if tables:
        contents |= dict(zip(TABLES, (export.csv_text(made), export.json_text(made)), strict=True))
    for name, text in contents.items():
        files.write_text(out / name, text)
    return [out / name for name in contents]


def publish(
    folders: Sequence[Path],
    out: Path,
    page: bool = True,
    speed: Path | None = None,
    tables: bool | None = None,
) -> list[Path]:
    """Keep the boards of run folders in ``out``: records (a file for each organ), pictures of trained variants, tables.

    Of a variant's training seeds the first brings its pictures, and of many variants the first ``PICTURES`` bytes come
    along, in the order of the page: all of them would be most of a kept board's size. Methods that are compared over
    organs get one picture together, ``figures/methods.png``, which is enough without a page, and which stays as it is
    where the folders lack pictures of some. Of real data only pictures without a patient's image come along: whether
    those may be passed on is for their licence to say. Controls keep their numbers and leave their pictures; spec.toml
    stays behind, it names local folders.

    Args:
        folders: run folders and kept boards.
        out: the folder of the kept board; what it holds already stays.
        page, speed, tables: as of ``write``.

    Returns:
        The files of the boards.

    Raises:
        InputError: a folder holds no results.
    """
    return collect(results.read_all(folders), folders, out, page, speed, tables)


def collect(
    found: Sequence[Result],
    folders: Sequence[Path],
    out: Path,
    page: bool = True,
    speed: Path | None = None,
    tables: bool | None = None,
) -> list[Path]:
    """``publish`` for results that were read and chosen already; folders: where their pictures lie."""
    results.add(out, found)
    made = boards(found)
    of_methods = methods_picture.draw(made, folders)
    together = of_methods is not None or (out / methods_picture.PATH).is_file()
    chosen = [] if together and not page else _pictures(found, made)
    if len(folders) == 1 and all(result.comparability["data_kind"] == "phantom" for result in found):
        # of several folders each has an overview, of its own organs alone
        chosen.insert(0, "figures/overview.png")
    left = PICTURES
    for path in chosen:
        source = next((folder / path for folder in folders if (folder / path).is_file()), None)
        if source is None:
            continue
        left -= source.stat().st_size
        if left < 0:
            break
        if source.resolve() != (out / path).resolve():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, out / path)
    if of_methods is not None:
        figures.save(out / methods_picture.PATH, of_methods)
    return write(boards(results.read_all([out], say)), out, page, speed, tables)


def _pictures(found: Sequence[Result], made: Sequence[Board]) -> list[str]:
    """Paths of the pictures that others may see, of each row those of one seed, in the order of the page: by kind, and
    of every board the best rows first."""
    copies, kinds = disclosure.copying(found), list(KINDS)
    place = {
        _row(result): n
        for board in made
        for n, line in enumerate(lines.rows(board))
        for result in (line.row.results if line.row else ())
    }
    first: dict[tuple[Any, ...], tuple[int, int, str]] = {}
    for result in sorted(found, key=lambda result: (place.get(_row(result), len(found)), result.seed)):
        row = _row(result)
        for kind, path in {} if result.is_control else disclosure.pictures(result, copies).items():
            shared_by_rows = kind in KINDS and not KINDS[kind].of_row
            key = kind, *((row[0], *row[-2:]) if shared_by_rows else row)
            turn = kinds.index(kind) if kind in kinds else len(kinds)
            first.setdefault(key, (turn, place.get(row, len(found)), path))
    return [path for _, _, path in sorted(first.values())]


def _row(result: Result) -> tuple[Any, ...]:
    """What the seeds and tasks of a row share."""
    return disclosure.cell(replace(result, seed=0))
