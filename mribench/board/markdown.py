"""Boards as one Markdown page: a table each, what the numbers allow to say, and what the study reported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import escape

from mribench.board import columns, findings, methods_picture, over_organs, sampler_sweep, sentences, solvers
from mribench.board.boards import Board
from mribench.board.lines import Line
from mribench.board.over_organs import OverOrgans
from mribench.escaping import Markdown, one_line
from mribench.escaping import markdown as escaped
from mribench.tables import markdown_table


def markdown(boards: Sequence[Board], out: Path) -> str:
    """The boards as one Markdown page; figure links are relative to ``out``."""
    parts = [
        "# mribench leaderboard\n",
        _legend(),
        _pictures_of_all(out),
        board_table(columns.all_organs(boards)),
    ]
    parts += [_interpretation(boards), *map(_over_organs, over_organs.over_organs(boards))]
    parts += [_solvers(boards)]
    for board in boards:
        parts += [
            _heading(board),
            _invalid(board),
            board_table(columns.headline(board)),
            _samplers(board),
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
        "interval over test subjects and trainings; one training borrows the spread of rows with several, and without "
        "such rows its interval is over test subjects alone]. Rows stand together only "
        "where data, split, resolution, budget, task, metrics, feature spaces and numbers of images are equal. "
        "Ranks are intervals: 1-3 means that the numbers leave the places 1 to 3 open. *Controls* are set in "
        "italics, as are *real train* (real training images in a model's place) and *half against half* (of the "
        "test subjects; mean and 95 % band of 20 splits); they show the scale and are not ranked. At floor: the "
        "interval reaches what real training images score, and nothing finer can be said. Organs are different "
        "data: compare within a table, never between two.\n"
    )


def _pictures_of_all(out: Path) -> str:
    pictures = {
        "figures/overview.png": "Held-out images beside generated ones, by organ",
        methods_picture.PATH: "The first images of every method, the best average rank first",
    }
    return "\n".join(f"![{title}]({path})\n" for path, title in pictures.items() if (out / path).exists())


def _interpretation(boards: Sequence[Board]) -> str:
    said = [
        f"### {heading}\n\n" + "".join(f"- {escaped(sentence)}\n" for sentence in lines)
        for heading, lines in findings.sections(boards)
    ]
    return "## What the numbers allow to say\n\n" + "\n".join(said) if said else ""


def _over_organs(found: OverOrgans) -> str:
    """Average ranks, and what they allow to say."""
    said = "".join(f"- {escaped(sentence)}\n" for sentence in over_organs.sentences(found))
    lines = [
        [name, found.seeds[name], f"{rank:.2f}", *found.scores[name]] for name, rank in found.average.items()
    ]
    table = markdown_table(["method", "seeds", "average rank", *found.numbers], lines)
    return f"## Methods over all organs ({escaped(found.about)})\n\n{said}\n{table}"


def _solvers(boards: Sequence[Board]) -> str:
    """Of every problem its solvers over organs; empty where no board poses one."""
    parts = [
        f"### {escaped(f'{one.problem}; {one.about}')}\n\n{markdown_table(*solvers.table(one))}"
        for one in solvers.problems(boards)
    ]
    note = (
        "Organs are different data: compare down a column. NFE are evaluations of the prior for one answer, seconds "
        "those of one answer, the median over organs. On the front: organs on which no other row is both better and "
        "faster. Coverage is that of 50 and 90 % intervals; an error over spread of ×2 is twice what the spread of the "
        "answers foretells."
    )
    return "\n".join([f"## {solvers.TITLE}\n\n{note}\n", *parts]) if parts else ""


def _heading(board: Board) -> str:
    lines = [f"**{escaped(s.text)}**" if s.loud else escaped(s.text) for s in sentences.about(board)]
    return "\n".join([f"## {escaped(sentences.title(board))}\n", *lines]) + "\n"


def _invalid(board: Board) -> str:
    """Loudly, above the numbers: what a control does that it must not."""
    said = board.control_violations
    return "".join(f"**INVALID BOARD, nothing is ranked: {escaped(sentence)}.**\n\n" for sentence in said)


def _samplers(board: Board) -> str:
    """The number that ranks, sampler by NFE, of each training that several samplers draw from."""
    note = (
        "Bold: the best of a column, and what the test subjects do not tell apart from it for this network (paired, "
        "corrected over the column).\n"
    )
    found = sampler_sweep.sweeps(board.trained) if board.primary else []
    tables = [(sampler_sweep.caption(board, one), sampler_sweep.table(board, one)) for one in found]
    return "\n".join(f"### {escaped(title)}\n\n{note}\n{markdown_table(*table)}" for title, table in tables)


def _more(board: Board) -> str:
    """The metrics that the headline leaves out."""
    return _closed("more metrics", columns.more(board))


def _levels(board: Board) -> str:
    """The paired metrics at every level."""
    return _closed(columns.levels_title(board), columns.levels(board))


def _closed(summary: str, table: columns.Table) -> str:
    """A block that opens on a click; empty where the table has no lines."""
    if not table.lines:
        return ""
    return f"<details><summary>{escape(one_line(summary))}</summary>\n\n{board_table(table)}\n</details>\n"


def _notes(board: Board) -> str:
    return "".join(f"- {escaped(line)}\n" for line in sentences.notes(board))


def _pictures(board: Board, out: Path) -> str:
    links = [
        f"[{escaped(f'{row.name} seed {result.seed}: {kind}')}]({path})"
        for row in board.rows
        for result in row.results
        for kind, path in result.figures.items()
        if not row.is_control and (out / path).exists()
    ]
    return "Pictures: " + ", ".join(links) + ".\n" if links else ""


def _reported(boards: Sequence[Board]) -> str:
    parts = []
    sources, rows = sentences.reported(boards)
    if rows:
        lines = [[organ, *(f"{number:g}" for number in numbers)] for organ, numbers in rows]
        parts += [escaped("; ".join(sources)), sentences.REPORTED_NOTE]
        parts.append(markdown_table(["modality", *sentences.REPORTED.values()], lines).rstrip())
    for table in sentences.reported_tables(boards):
        parts += [f"### {escaped(table.title)}", escaped(table.source), escaped(table.note)]
        parts.append(markdown_table(table.columns, table.rows).rstrip())
    return "\n\n".join(["## Reported, not reproduced", *parts]) + "\n" if parts else ""


def board_table(table: columns.Table) -> str:
    """A table of a board; the names of lines that are not ranked are in italics."""
    return markdown_table(table.titles, table.texts(_marked))


def _marked(line: Line) -> str:
    return line.name if line.kind == "trained" else Markdown(f"*{escaped(line.name)}*")
