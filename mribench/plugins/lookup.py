"""Finds and loads plugins. Listing imports none of them; loading imports only what was asked for.

All plugins are entry points, mribench's own included: a third party's package lacks nothing that they have.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, distributions, entry_points
from typing import Any

from mribench import spec
from mribench.errors import InputError, PluginError, unknown_name
from mribench.plugins.diagnose import (
    FindSpec,
    distribution_info,
    find_spec,
    problem,
    source_file,
    version_mismatch,
)
from mribench.progress import say

GROUPS: dict[str, tuple[type, ...]] = {
    "modalities": (spec.Modality,),
    "variants": (spec.Variant, spec.GenerativeModel, spec.Control),
    "models": (spec.PretrainedModel,),
    "samplers": (spec.Sampler, spec.Integrator),
    "solvers": (spec.Solver,),
    "tasks": (spec.Task,),
    "metrics": (spec.Metric,),
    "features": (spec.FeatureSpace,),
    "readers": (spec.Reader,),
}


@dataclass(frozen=True)
class PluginEntry:
    """One installed plugin, as the metadata of its distribution describes it."""

    group: str
    name: str
    value: str  # module:object
    distribution: str
    version: str
    problem: str | None = None  # what is visibly wrong with it
    file: str = ""  # where its module would be imported from


def entries(group: str) -> list[PluginEntry]:
    """Every installed plugin of a group, sorted by name, without importing any of them."""
    return _entries(group, _points(group))


def _entries(group: str, points: Iterable[EntryPoint], find: FindSpec = find_spec) -> list[PluginEntry]:
    points = sorted(points, key=lambda point: (point.name, _distribution(point)))
    claimants: dict[str, list[str]] = {}
    for point in points:
        claimants.setdefault(point.name, []).append(_distribution(point))
    return [
        PluginEntry(
            group=group,
            name=point.name,
            value=point.value,
            distribution=_distribution(point),
            version=distribution_info(point.dist).version,
            problem=_problem(point, claimants[point.name], find),
            file=source_file(point, find),
        )
        for point in points
    ]


def choose(
    group: str | None = None, name: str | None = None, distribution: str | None = None
) -> list[PluginEntry]:
    """The installed plugins that match; None matches all.

    Args:
        group: one of ``GROUPS``.
        name: pattern of the plugin's name, as ``fnmatch`` reads it: ``hc*``.
        distribution: pattern of the distribution's name.

    Raises:
        InputError: the group is unknown, or the patterns match nothing.
    """
    if group is not None and group not in GROUPS:
        raise InputError(unknown_name("group", group, GROUPS))
    find = cache(find_spec)  # of one listing: most plugins import the same packages
    installed = [
        entry for each in ([group] if group else GROUPS) for entry in _entries(each, _points(each), find)
    ]
    matching = [
        entry
        for entry in installed
        if fnmatch(entry.name, name or "*") and fnmatch(entry.distribution, distribution or "*")
    ]
    if installed and not matching:
        patterns = {"name": name, "distribution": distribution}
        wanted = " and ".join(f"{field} {pattern!r}" for field, pattern in patterns.items() if pattern)
        raise InputError(f"no plugin has {wanted}; mribench list shows all")
    return matching


def names(group: str) -> list[str]:
    """Names of the installed plugins of a group, sorted."""
    return sorted({point.name for point in _points(group)})


def load(group: str, name: str) -> Any:
    """Import one plugin and return its object.

    Raises:
        InputError: no plugin of the group has this name.
        PluginError: it is broken, of the wrong type or name, or claimed by two distributions.
    """
    points = [p for p in _points(group) if p.name == name]
    if not points:
        raise InputError(_unknown(group, name))
    if len(points) > 1:
        owners = " and ".join(sorted(_distribution(p) for p in points))
        raise PluginError(f"{_noun(group)} {name!r} is claimed by {owners}; uninstall one of them")
    (point,) = points
    where = f"{_distribution(point)}, entry point mribench.{group}: {name} = {point.value}"
    if clause := version_mismatch(point):
        raise PluginError(
            f"{_noun(group)} {name!r} ({where}) {clause}; install versions of the two that go together"
        )
    try:
        plugin = point.load()
    except (Exception, SystemExit) as error:
        # an import may fail in any way, and the sentence must still name the plugin
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


def load_generators(wanted: Iterable[str]) -> dict[str, Any]:
    """Variants, controls and pretrained models by name, in the order given, each once."""
    own, models = names("variants"), names("models")
    return {
        name: load("models" if name in models and name not in own else "variants", name)
        for name in dict.fromkeys(wanted)
    }


def load_others(group: str, named: Collection[str]) -> dict[str, Any]:
    """Every other installed plugin of a group, by name; a line says of a broken one that it is left out."""
    found = {}
    for name in names(group):
        if name not in named:
            try:
                found[name] = load(group, name)
            except PluginError as error:
                say(f"left out of all {group}: {error}")
    return found


def owner(group: str, name: str) -> str:
    """'distribution version' of a loaded plugin, for provenance."""
    return next(
        (f"{e.distribution} {e.version}" for e in entries(group) if e.name == name and e.problem is None),
        "unknown",
    )


def _points(group: str) -> tuple[EntryPoint, ...]:
    return _all_points().get(f"mribench.{group}", ())


def _all_points() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Entry points of every installed distribution by group, read again where a folder of packages has changed."""
    return _read_all_points(tuple((folder, _modified(folder)) for folder in sys.path))


def _modified(folder: str) -> int | None:
    try:
        return os.stat(folder or ".").st_mtime_ns
    except OSError:
        return None


@lru_cache(maxsize=1)
def _read_all_points(folders: tuple[tuple[str, int | None], ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    """Reads the metadata of all distributions at once, because a suite asks dozens of times."""
    try:
        points = entry_points()
        return {group: tuple(points.select(group=group)) for group in points.groups}
    except Exception as error:
        # one unreadable entry_points.txt hides those of all other distributions, and is to be uninstalled
        raise PluginError(
            f"{_unreadable()} has an entry_points.txt that cannot be read; uninstall it"
        ) from error


def _unreadable() -> str:
    """The first distribution whose entry points cannot be read."""
    for distribution in distributions():
        try:
            list(distribution.entry_points)
        except Exception:
            return distribution_info(distribution).name
    return "an installed distribution"


def _distribution(point: EntryPoint) -> str:
    return distribution_info(point.dist).name


def _noun(group: str) -> str:
    return {"modalities": "modality", "features": "feature space"}.get(group, group.removesuffix("s"))


def _unknown(group: str, name: str) -> str:
    installed = names(group)
    otherwise = (
        f"installed are: {', '.join(installed)}" if installed else "no package that brings one is installed"
    )
    return f"{unknown_name(_noun(group), name, installed, otherwise)} (mribench list shows all)"


def _problem(point: EntryPoint, claimants: list[str], find: FindSpec) -> str | None:
    if len(claimants) > 1:
        return f"claimed by {' and '.join(claimants)}"
    return problem(point, find)
