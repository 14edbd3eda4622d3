"""Shell completion: the names of what is installed, read from metadata; nothing is imported for a Tab key."""

from __future__ import annotations

from collections.abc import Callable


def names(group: str, *more: str) -> Callable[[str], list[str]]:
    """Completes the last of comma-separated plugin names of a group, and ``more`` words beside them."""

    def complete(incomplete: str) -> list[str]:
        from mribench.plugins import lookup

        return _last(incomplete, [*more, *lookup.names(group)])

    return complete


def groups(incomplete: str) -> list[str]:
    from mribench.plugins import lookup

    return [group for group in lookup.GROUPS if group.startswith(incomplete)]


def kinds(incomplete: str) -> list[str]:
    from mribench.plugins.scaffold import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def distributions(incomplete: str) -> list[str]:
    return sorted({entry.distribution for entry in _entries() if entry.distribution.startswith(incomplete)})


def plugins_or_distributions(incomplete: str) -> list[str]:
    known = {name for entry in _entries() for name in (entry.name, entry.distribution)}
    return sorted(name for name in known if name.startswith(incomplete))


def profiles(incomplete: str) -> list[str]:
    from mribench.profiles import PROFILES

    return [name for name in PROFILES if name.startswith(incomplete)]


def _entries():
    from mribench.plugins import lookup

    return lookup.choose()


def _last(incomplete: str, known: list[str]) -> list[str]:
    """'a,b' -> 'a,bee', 'a,bat'; a name that already stands there is not offered again."""
    before, comma, start = incomplete.rpartition(",")
    taken = before.split(",")
    return [before + comma + name for name in known if name.startswith(start) and name not in taken]
