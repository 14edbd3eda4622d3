"""Types of options that several commands share, how their values are parsed, and how the shell completes them.

Completion reads names from metadata: a Tab key imports no plugin.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mribench.errors import InputError, unknown_name

if TYPE_CHECKING:
    from mribench.plugins.lookup import PluginEntry

MAINTAINERS = "For maintainers"  # the heading of commands that a user of models does not need
Format = Annotated[str, typer.Option(help="table, or json: one document on standard output")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="say only what went wrong, and the result")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="say every score as soon as it is there")]


def names_option(help: str, group: str, *more_names: str) -> Any:
    """The type of an option that takes comma-separated plugin names of a group, or one of ``more_names``."""
    return Annotated[str | None, typer.Option(help=help, autocompletion=complete_names(group, *more_names))]


def split_names(text: str | None) -> list[str] | None:
    """'a, b' -> ['a', 'b']; None stays None; '' is the empty list."""
    return None if text is None else [part for part in (p.strip() for p in text.split(",")) if part]


def verbosity(quiet: bool, verbose: bool) -> AbstractContextManager[None]:
    """Within the block this process and its workers say as much. Raises InputError where both are asked for."""
    from mribench import environ, progress

    if quiet and verbose:
        raise InputError("--quiet and --verbose were both given; give one")
    level = progress.QUIET if quiet else progress.VERBOSE if verbose else None
    return environ.set_to(progress.VARIABLE, level)


def organ_names(text: str) -> list[str]:
    """'all' -> the names of all installed organs; else as ``split_names``."""
    from mribench.plugins import lookup

    return lookup.names("modalities") if text == "all" else split_names(text) or []


def check_format(name: str, *more: str) -> None:
    """Raises InputError unless it is 'table', 'json' or one of ``more``."""
    first, last = ["table", "json", *more][:-1], (more or ("json",))[-1]
    if name not in (*first, last):
        raise InputError(
            unknown_name("format", name, (*first, last), f"expected {', '.join(first)} or {last}")
        )


def complete_names(group: str, *more_names: str) -> Callable[[str], list[str]]:
    """A function that completes the last of several comma-separated plugin names."""

    def complete(incomplete: str) -> list[str]:
        from mribench.plugins import lookup

        before, comma, start = incomplete.rpartition(",")
        given = before.split(",")
        known = [*more_names, *lookup.names(group)]
        return [before + comma + name for name in known if name.startswith(start) and name not in given]

    return complete


def complete_group(incomplete: str) -> list[str]:
    from mribench.plugins import lookup

    return [group for group in lookup.GROUPS if group.startswith(incomplete)]


def complete_kind(incomplete: str) -> list[str]:
    from mribench.plugins.scaffold import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def complete_distribution(incomplete: str) -> list[str]:
    return sorted({entry.distribution for entry in _installed() if entry.distribution.startswith(incomplete)})


def complete_plugin_or_distribution(incomplete: str) -> list[str]:
    known = {name for entry in _installed() for name in (entry.name, entry.distribution)}
    return sorted(name for name in known if name.startswith(incomplete))


def complete_profile(incomplete: str) -> list[str]:
    from mribench.profiles import PROFILES

    return [name for name in PROFILES if name.startswith(incomplete)]


def complete_device(incomplete: str) -> list[str]:
    return [name for name in ("cpu", "cuda", "mps") if name.startswith(incomplete)]


def complete_suite(incomplete: str) -> list[str]:
    from mribench.runner import suite

    return [name for name in suite.names() if name.startswith(incomplete)]


def _installed() -> list[PluginEntry]:
    from mribench.plugins import lookup

    return lookup.choose()
