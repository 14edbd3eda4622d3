"""Boards as one Markdown page: a table each, what the numbers allow to say, and what the study reported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mribench.board import columns, findings, sentences, summary
from mribench.board.boards import Board
from mribench.board.control_checks import violations
from mribench.board.rows import Row


def markdown(boards: Sequence[Board], out: Path) -> str:
    """The boards as one Markdown page; figure links are relative to ``out``."""
    parts = ["# mribench leaderboard\n", _legend(), _overview(out), _table(*summary.table(boards))]
    parts.append(_interpretation(boards))
    for board in boards:
        parts += [
            _heading(board),
            _invalid(board),
            _headline(board),
            _more(board),
            _levels(board),
            _notes(board),
            _pictures(board, out),
        ]
    parts.append(_reported(boards))
    return "\n".join(part for part in parts if part)


def _legend() -> str:
    return (
        "Each number: mean over seeds ± standard deviation between seeds (where there are several) [95 % "
        "interval over test subjects and seeds; over test subjects alone for one seed]. Rows stand together only "
        "where data, split, resolution, budget, task, metrics, feature spaces and numbers of images are equal. "
        "Ranks are intervals: 1-3 means that the numbers leave the places 1 to 3 open. *Controls* are set in "
        "italics, as are *real train* (real training images in a model's place) and *half against half* (of the "
        "test subjects; mean and 95 % band of 20 splits); they show the scale and are not ranked. At floor: the "
        "interval reaches what real training images score, and nothing finer can be said. Organs are different "
        "data: compare within a table, never between two.\n"
    )


def _overview(out: Path) -> str:
    picture = "figures/overview.png"
    return (
        f"![Held-out images beside generated ones, by organ]({picture})\n" if (out / picture).exists() else ""
    )


def _interpretation(boards: Sequence[Board]) -> str:
    said = [
        f"### {heading}\n\n" + "".join(f"- {_plain(sentence)}\n" for sentence in lines)
        for heading, lines in findings.sections(boards)
    ]
    return "## What the numbers allow to say\n\n" + "\n".join(said) if said else ""


def _heading(board: Board) -> str:
    lines = [f"**{said.text}**" if said.loud else said.text for said in sentences.about(board)]
    return "\n".join([f"## {sentences.title(board)}\n", *lines]) + "\n"


def _marked(row: Row) -> str:
    """The row's name; a control's in italics."""
    return f"*{row.name}*" if row.is_control else row.name


def _invalid(board: Board) -> str:
    """Loudly, above the numbers: what a control does that it must not."""
    said = violations(board)
    return "".join(f"**INVALID BOARD, nothing is ranked: {_plain(sentence)}.**\n\n" for sentence in said)


def _headline(board: Board) -> str:
    titles, lines = columns.headline(board)
    name = titles.index("variant")
    for line in lines:
        if line.kind != "trained":
            line.cells[name] = f"*{line.cells[name]}*"
    return _table(titles, [line.cells for line in lines])


def _more(board: Board) -> str:
    """The metrics that the headline leaves out."""
    shown = columns.more_addresses(board)
    if not shown:
        return ""
    titles = ["variant", *(columns.title(board, address) for address in shown)]
    lines = [[_marked(row), *(columns.cell(board, row, address) for address in shown)] for row in board.rows]
    lines += [[f"*{name}*", *numbers] for name, numbers in columns.real(board, shown)]
    return f"<details><summary>more metrics</summary>\n\n{_table(titles, lines)}\n</details>\n"


def _levels(board: Board) -> str:
    """The paired metrics at every level of noise."""
    addresses = [a for a in board.addresses if a[2] is not None]
    levels = sorted({a[2] for a in addresses}, reverse=True)
    if len(levels) < 2:
        return ""
    metrics = list(dict.fromkeys(a[0] for a in addresses))
    titles = ["restored from", "variant", *(columns.title(board, (m, None, None)) for m in metrics)]
    lines = [
        [f"ᾱ = {level:.3f}", _marked(row)]
        + [columns.cell(board, row, (metric, None, level)) for metric in metrics]
        for level in levels
        for row in board.rows
    ]
    return (
        "<details><summary>reconstruction at every noise level</summary>\n\n"
        + _table(titles, lines)
        + "\n</details>\n"
    )


def _notes(board: Board) -> str:
    return "".join(f"- {_plain(line)}\n" for line in sentences.notes(board))


def _pictures(board: Board, out: Path) -> str:
    links = [
        f"[{row.name} seed {result.seed}: {kind}]({path})"
        for row in board.rows
        for result in row.results
        for kind, path in result.figures.items()
        if not row.is_control and (out / path).exists()
    ]
    return "Pictures: " + ", ".join(links) + ".\n" if links else ""


def _reported(boards: Iterable[Board]) -> str:
    sources, rows = sentences.reported(boards)
    if not rows:
        return ""
    lines = [[organ, *(f"{number:g}" for number in numbers)] for organ, numbers in rows]
    note = f"## Reported, not reproduced\n\n{'; '.join(sources)}\n\n{sentences.REPORTED_NOTE}\n\n"
    return note + _table(["modality", *sentences.REPORTED.values()], lines)


def _table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |\n"

    return line(titles) + "|" + " --- |" * len(titles) + "\n" + "".join(map(line, lines))


def _plain(text: str) -> str:
    """Foreign words (titles, reasons) on one line and without markup of their own."""
    return " ".join(text.split()).replace("<", "&lt;")
