"""Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mribench.escaping import markdown


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table that ends with a line break. No text can leave its cell or bring markup of its own."""
    lines = [_line(map(markdown, cells)) for cells in (titles, *rows)]
    return "".join([lines[0], _line(["---"] * len(titles)), *lines[1:]])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
