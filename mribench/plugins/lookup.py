"""Entry-point look-up. Listing imports no plugin; loading imports only what was asked for.

First and third parties use the same door: mribench's own variants are entry points of its own distribution.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache
from importlib.metadata import EntryPoint, distributions, entry_points
from typing import Any

from mribench import spec
from mribench.errors import InputError, PluginError, unknown_name
from mribench.plugins.diagnose import about, mismatch, origin, problem

GROUPS: dict[str, tuple[type, ...]] = {
    "modalities": (spec.Modality,),
    "variants": (spec.Variant, spec.Control),
    "samplers": (spec.Sampler,),
    "tasks": (spec.Task,),
    "metrics": (spec.Metric,),
    "features": (spec.FeatureSpace,),
}


@dataclass(frozen=True)
class Entry:
    """One installed plugin as its metadata tells it; ``problem`` is None where nothing is wrong.

    file: where its module would be imported from.
    """

    group: str
    name: str
    value: str
    distribution: str
    version: str
    problem: str | None = None
    file: str = ""


def entries(group: str) -> list[Entry]:
    """Every installed plugin of a group, sorted by name, without importing any of them."""
    return _entries(group, _points(group))


def _entries(group: str, points: Iterable[EntryPoint]) -> list[Entry]:
    found = sorted(points, key=lambda p: (p.name, _distribution(p)))
    claims: dict[str, list[str]] = {}
    for point in found:
        claims.setdefault(point.name, []).append(_distribution(point))
    return [
        Entry(
            group=group,
            name=point.name,
            value=point.value,
            distribution=_distribution(point),
            version=about(point.dist).version,
            problem=_problem(point, claims[point.name]),
            file=origin(point),
        )
        for point in found
    ]


def choose(group: str | None = None, name: str | None = None, distribution: str | None = None) -> list[Entry]:
    """The entries of one group or all, whose name and distribution match these patterns (``fnmatch``: ``hc*``).

    Raises InputError for an unknown group, and where a pattern leaves nothing.
    """
    if group is not None and group not in GROUPS:
        raise InputError(unknown_name("group", group, GROUPS))
    points = _all_points()
    found = [entry for each in ([group] if group else GROUPS) for entry in _entries(each, _of(points, each))]
    left = [
        entry
        for entry in found
        if fnmatch(entry.name, name or "*") and fnmatch(entry.distribution, distribution or "*")
    ]
    if found and not left:
        asked = " and ".join(
            f"{word} {value!r}" for word, value in (("name", name), ("distribution", distribution)) if value
        )
        raise InputError(f"no plugin has {asked}; mribench list shows all")
    return left


def names(group: str) -> list[str]:
    """Names of the installed plugins of a group, sorted."""
    return sorted({point.name for point in _points(group)})


def load(group: str, name: str) -> Any:
    """Import one plugin and return its object.

    Raises InputError for an unknown name (with a suggestion), PluginError (distribution, entry point, cause)
    where it is broken, of the wrong type or name, or claimed by two distributions.
    """
    points = [p for p in _points(group) if p.name == name]
    if not points:
        raise InputError(_unknown(group, name))
    if len(points) > 1:
        owners = " and ".join(sorted(_distribution(p) for p in points))
        raise PluginError(f"{_noun(group)} {name!r} is claimed by {owners}; uninstall one of them")
    (point,) = points
    where = f"{_distribution(point)}, entry point mribench.{group}: {name} = {point.value}"
    if clause := mismatch(point):
        raise PluginError(
            f"{_noun(group)} {name!r} ({where}) {clause}; install versions of the two that go together"
        )
    try:
        plugin = point.load()
    except (Exception, SystemExit) as error:
        # a plugin's import may fail in any way; whatever it is, the sentence must name the plugin
        cause = problem(point) or " ".join(f"{type(error).__name__}: {error}".split())
        raise PluginError(
            f"cannot load {_noun(group)} {name!r} ({where}): {cause}; repair or uninstall it"
        ) from error
    if not isinstance(plugin, GROUPS[group]):
        expected = " or ".join(f"mribench.{t.__name__}" for t in GROUPS[group])
        raise PluginError(
            f"{_noun(group)} {name!r} ({where}) is a value of type {type(plugin).__name__}; "
            f"expected {expected}: correct the entry point"
        )
    if plugin.name != name:
        raise PluginError(
            f"{_noun(group)} {name!r} ({where}) calls itself {plugin.name!r}; make the names equal"
        )
    return plugin


def load_all(group: str, wanted: Iterable[str]) -> dict[str, Any]:
    """``load`` for several names, in the order given, each once."""
    return {name: load(group, name) for name in dict.fromkeys(wanted)}


def owner(group: str, name: str) -> str:
    """'distribution version' of a loaded plugin, for provenance."""
    return next(
        (f"{e.distribution} {e.version}" for e in entries(group) if e.name == name and e.problem is None),
        "unknown",
    )


def _points(group: str) -> list[EntryPoint]:
    return _of(_all_points(), group)


def _of(points: Any, group: str) -> list[EntryPoint]:
    return list(points.select(group=f"mribench.{group}"))


def _all_points() -> Any:
    """The entry points of every installed distribution, found anew where a folder of packages has changed."""
    return _scan(tuple((folder, _changed(folder)) for folder in sys.path))


def _changed(folder: str) -> int | None:
    try:
        return os.stat(folder or ".").st_mtime_ns
    except OSError:
        return None


@lru_cache(maxsize=1)
def _scan(folders: tuple[tuple[str, int | None], ...]) -> Any:
    """Reads the files of all distributions, whichever group is asked for: a suite asks dozens of times."""
    try:
        return entry_points()
    except Exception as error:
        # one unreadable entry_points.txt hides all others, from torch as well: it has to go
        raise PluginError(
            f"{_unreadable()} has an entry_points.txt that cannot be read; uninstall it"
        ) from error


def _unreadable() -> str:
    """The first distribution whose entry points cannot be read."""
    for found in distributions():
        try:
            list(found.entry_points)
        except Exception:
            return about(found).name
    return "an installed distribution"


def _distribution(point: EntryPoint) -> str:
    return about(point.dist).name


def _noun(group: str) -> str:
    return {"modalities": "modality", "features": "feature space"}.get(group, group.removesuffix("s"))


def _unknown(group: str, name: str) -> str:
    installed = names(group)
    otherwise = (
        f"installed are: {', '.join(installed)}" if installed else "no package that brings one is installed"
    )
    return f"{unknown_name(_noun(group), name, installed, otherwise)} (mribench list shows all)"


def _problem(point: EntryPoint, claimants: list[str]) -> str | None:
    if len(claimants) > 1:
        return f"claimed by {' and '.join(claimants)}"
    return problem(point)
