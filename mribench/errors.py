"""One error tree, and the one sentence for an unknown name.

A message is one sentence: what was found, what was expected, what to do.
"""

from __future__ import annotations

from collections.abc import Iterable


class MribenchError(Exception):
    """Base of every error that mribench raises on purpose; the CLI prints it in one line."""

    exit_code = 1


class InputError(MribenchError):
    """Something the user gave cannot be used: a name, a file, a setting. Exit code 2."""

    exit_code = 2


class DataError(InputError):
    """A dataset, image file or split cannot be used."""


class Damaged(InputError):
    """A file of a finished stage is not as it was written, and making it again would cost a training."""


class PluginError(InputError):
    """An entry point is missing, broken, or claimed by two packages."""


class Unavailable(MribenchError):
    """Something optional is not here (weights, a decoder); the score stays blank with this reason."""


class TrainingDiverged(MribenchError):
    """The loss is no longer finite; the last good checkpoint is kept."""


class Interrupted(MribenchError):
    """Ctrl-C or SIGTERM: the state is saved and the same command goes on from there. Exit code 130."""

    exit_code = 130


def concerns_one_cell(error: Exception) -> bool:
    """Whether other cells may well succeed: after a loss that diverged or damaged weights, but not after an unknown
    word, a full disk, Ctrl-C or a bug."""
    if isinstance(error, Damaged):
        return True
    return isinstance(error, MribenchError) and error.exit_code == MribenchError.exit_code


def unknown_name(kind: str, name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The sentence "unknown KIND 'NAME'; did you mean 'KNOWN'?".

    Args:
        kind: what the name should be one of, such as "profile".
        name: what the user gave.
        known: all names of that kind.
        otherwise: what follows the semicolon where no known name is near; "expected one of ..." by default.
    """
    known = list(known)
    near = nearest_name(name, known)
    if near is not None:
        return f"unknown {kind} {name!r}; did you mean {near!r}?"
    return f"unknown {kind} {name!r}; {otherwise or 'expected one of ' + ', '.join(known)}"


def some_of(names: Iterable[str], most: int = 8) -> str:
    """The first names with commas, and of more how many there are."""
    names = list(names)
    more = f", ... ({len(names)} in all)" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelled most like this one; None where none is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1)), None)
