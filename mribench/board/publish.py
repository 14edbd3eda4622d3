"""Write boards into a folder, alone or with the results and pictures that they are made from."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mribench import files, results
from mribench.board import disclosure, export
from mribench.board.boards import boards
from mribench.board.html.machines import read as read_machines
from mribench.board.html.page import html
from mribench.board.markdown import markdown
from mribench.results import Result


def write(found: Sequence[Result], out: Path, page: bool = True, speed: Path | None = None) -> list[Path]:
    """Write leaderboard.html, .md, .csv and .json; the same results and pictures give the same bytes.

    Args:
        found: Results of any number of boards.
        out: The folder to write into; pictures are looked for in it.
        page: Whether to write leaderboard.html.
        speed: A folder of records of ``mribench speed``, a folder each, for the page to show.

    Returns:
        The files written.
    """
    machines = read_machines(speed) if speed else []
    made = boards(found)
    contents = {"leaderboard.html": html(made, out, machines)} if page else {}
    contents |= {
        "leaderboard.md": markdown(made, out),
        "leaderboard.csv": export.csv_text(made),
        "leaderboard.json": export.json_text(made),
    }
    for name, text in contents.items():
        files.write_text(out / name, text)
    return [out / name for name in contents]


def publish(folders: Sequence[Path], out: Path, page: bool = True, speed: Path | None = None) -> list[Path]:
    """Copy results and pictures out of run folders, and write their boards.

    Of a variant's training seeds only the first brings its pictures: those of all would be most of a kept board's
    size. Pictures of controls are left behind, and so are those that show a patient's image: whether it may be passed
    on is for its licence to say. spec.toml is left behind too, because it names local folders.

    Args:
        folders: Run folders.
        out: The folder of the kept board.
        page: Whether to write leaderboard.html.
        speed: A folder of records of ``mribench speed`` for the page to show.

    Returns:
        The boards written.

    Raises:
        InputError: A folder holds no results.
    """
    return collect(results.read_all(folders), folders, out, page, speed)


def collect(
    found: Sequence[Result], folders: Sequence[Path], out: Path, page: bool = True, speed: Path | None = None
) -> list[Path]:
    """``publish`` for results that were read and chosen already. Their pictures are looked for in ``folders``."""
    for result in found:
        results.write(out, result)
    copies = disclosure.copying(found)
    trained = [result for result in found if not result.is_control]
    first: dict[tuple[Any, ...], int] = {}
    for result in trained:
        first[_row(result)] = min(result.seed, first.get(_row(result), result.seed))
    pictures = {
        path
        for result in trained
        if result.seed == first[_row(result)]
        for path in disclosure.pictures(result, copies).values()
    }
    if len(folders) == 1 and all(result.comparability["data_kind"] == "phantom" for result in found):
        # of several folders each has an overview, of its own organs alone
        pictures.add("figures/overview.png")
    for folder in (each for each in folders if each.resolve() != out.resolve()):
        for path in sorted(pictures):
            if (folder / path).exists():
                (out / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / path, out / path)
    return write(results.read_all([out]), out, page, speed)


def _row(result: Result) -> tuple[Any, ...]:
    """What all training seeds of one variant and sampler share."""
    return disclosure.cell(replace(result, seed=0))
