"""Options that several commands take, and what their text means."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mribench.cli import complete
from mribench.errors import InputError


def split(text: str | None) -> list[str] | None:
    """'a, b' -> ['a', 'b']; None stays None; '' is no name at all."""
    return None if text is None else [part for part in (p.strip() for p in text.split(",")) if part]


def numbers(text: str | None) -> list[int] | None:
    """'0,1,2' -> [0, 1, 2]; None stays None. Raises InputError for anything else."""
    parts = split(text)
    if parts is None:
        return None
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"seeds are {text!r}; expected whole numbers such as 0,1,2")
    return [int(part) for part in parts]


def names(words: str, group: str, *more: str) -> Any:
    """The type of an option that takes comma-separated names of a group; the shell completes them."""
    completes = complete.names(group, *more)
    return Annotated[str | None, typer.Option(help=words, autocompletion=completes)]
