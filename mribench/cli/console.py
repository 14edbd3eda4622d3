"""Tables and texts that the commands print, with rich. Every word goes through ``text`` or ``say``.

The functions import the boards late, so that `mribench list` starts quickly.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mribench import escaping

if TYPE_CHECKING:
    from mribench.board.boards import Board
    from mribench.board.columns import Table as BoardTable
    from mribench.board.compare import Comparison
    from mribench.plugins.lookup import PluginEntry
    from mribench.runner.verify import Verification
    from mribench.speed.forecast import Forecast

WIDE = 120  # characters a line, below which a board with all columns breaks its words
# off a terminal nothing may be cut: whoever reads a log or a pipe has no wider window to open
console = Console(width=None if Console().is_terminal else 240, highlight=False, soft_wrap=False)


def text(words: str, style: str = "") -> Text:
    """Words as they are: no markup of rich, no escape sequence."""
    return Text(escaping.terminal(words), style)


def say(line: str, style: str = "") -> None:
    console.print(text(line, style))


def json_text(value: Any) -> str:
    """JSON for other programs, which a terminal can show too."""
    return escaping.json_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def plugins(entries: Sequence[PluginEntry]) -> None:
    table = _table("group", "name", "distribution", "version", "entry point", "problem")
    for e in entries:
        known = map(text, (e.group, e.name, e.distribution, e.version, e.value))
        table.add_row(*known, text(e.problem or "", "red"))
    console.print(table)


def records(rows: Sequence[Any]) -> None:
    """Frozen dataclasses as a JSON list, for other programs."""
    print(json_text([asdict(row) for row in rows]))


def checks(outcomes: Sequence[tuple[str, str, str]]) -> None:
    """(name, state, text) of each check; a state is ``ok``, ``note`` or ``broken``."""
    styles = {"ok": "green", "note": "yellow", "broken": "red"}
    table = _table("check", "state", "found")
    for name, state, found in outcomes:
        table.add_row(text(name), text(state, styles[state]), text(found))
    console.print(table)


def boards(made: Sequence[Board]) -> None:
    """The headline table of each board, and what the numbers allow to say; a short one on a narrow terminal."""
    from mribench.board import columns, short

    narrow = console.width < WIDE
    for board in made:
        _print(short.short(board) if narrow else columns.headline(board), columns.one_line(board))
        for sentence in board.control_violations:
            say(f"  INVALID BOARD, nothing is ranked: {sentence}.", "bold red")
        # the short board says it in its last column
        for sentence in (*(() if narrow else board.against_control), *board.doubts):
            say(f"  {sentence}")
        console.print()
    if narrow:
        say(f"All columns: in the files of the board, or here with {WIDE} characters a line.", "dim")
        return
    _print(
        columns.all_organs(made),
        "All organs (different data: read along a row, do not rank down a column)",
    )


def _print(shown: BoardTable, title: str) -> None:
    table = _table(*shown.titles, title=title)
    for line, cells in zip(shown.lines, shown.texts(), strict=True):
        table.add_row(*map(text, cells), style=None if line.kind == "trained" else "dim")
    console.print(table)


def forecast(found: Forecast) -> None:
    """What a run would do: its cells, and what they take."""
    for line in found.lines:
        say(line)


def comparison(found: Comparison) -> None:
    """What sets the two apart, then each difference with its interval and what may be said of it."""
    for modality, fields in found.differs.items():
        say(f"{modality}: not comparable")
        for name, (first, second) in fields.items():
            say(f"  {name}: {first} in the first, {second} in the second")
    if found.numbers:
        table = _table("modality", "number", "first", "second", "difference", "95 %", "p (Holm)", "better")
        for number in found.numbers:
            one = number.difference
            better = {"first": one.first, "second": one.second}.get(number.better, number.better)
            interval = f"[{one.low:.4g}, {one.high:.4g}]"
            values = f"{one.value:+.4g}", interval, f"{one.adjusted:.3g}"
            table.add_row(*map(text, (number.modality, number.title, one.first, one.second, *values, better)))
        console.print(table)
        console.print("difference: first minus second, on the same test subjects; p over all lines together")
    for modality, first, second, title in found.unpaired:
        say(
            f"{modality}, {first} and {second}, {title}: not compared, a record holds no values of single subjects "
            "(too few images to halve, or an older mribench)"
        )
    if not (found.numbers or found.unpaired or found.differs):
        console.print("no number is on both sides")


def verification(found: Verification) -> None:
    """The answer for one result, then each score and field that is not as recorded."""
    one = found.result
    images = f", images {found.images}" if found.images else ""
    counts = Counter(check.answer for check in found.checks)
    answers = ", ".join(f"{n} {answer}" for answer, n in sorted(counts.items()))
    where = f"{one.modality} {one.name} seed {one.seed} {one.task}"
    scores = f"; scores: {answers}" if answers else ""
    say(f"{where}: {found.answer}{images}{scores}")
    for check in (*found.fields, *found.checks):
        if check.answer in ("within interval", "not reproduced"):
            say(f"  {check.label} {check.answer}: {check.said}")


def answers(given: Sequence[Verification]) -> None:
    """What could not be checked, and last of all how many results got which answer."""
    left = dict.fromkeys(field for found in given for field in found.not_checked)
    say(f"not checked: {'; '.join(left)}")
    if len(given) > 1:
        counted = Counter(found.answer for found in given)
        counts = ", ".join(f"{n} {answer}" for answer, n in sorted(counted.items()))
        say(f"{len(given)} results: {counts}")


def _table(*titles: str, title: str | None = None) -> Table:
    table = Table(
        title=title and text(title), title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for heading in titles:
        table.add_column(text(heading), overflow="fold")
    return table
