"""What is visibly wrong with an entry point, read from its source and never by importing it."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import NamedTuple

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from mribench._version import __version__

KEPT = 1024  # a listing asks about one distribution, or one file, once for each of its entry points
IN_DOUBT = "*"
PRESENT = sys.stdlib_module_names


class About(NamedTuple):
    """A distribution as its metadata tell it."""

    name: str
    version: str
    requires: tuple[str, ...]


class Source(NamedTuple):
    """binds: names; needs: packages, as ``_binds`` and ``_needs`` find them in a file."""

    binds: frozenset[str]
    needs: tuple[str, ...]


def problem(point: EntryPoint) -> str | None:
    """One clause, or None: value malformed, module missing, source broken, name missing, dependency missing, written
    for another mribench.

    What only an import can show (an exception at run time, a wrong type) is found by ``plugins.load``.
    """
    if point.pattern.fullmatch(point.value) is None or not point.attr:
        return f"{point.value!r} does not name an object; expected module:name"
    if clause := mismatch(point):
        return clause
    found = _find(point.module)
    if found is None:
        return f"module {point.module} not found"
    if not found.origin or not found.origin.endswith(".py"):
        return None
    try:
        source = _source(found.origin, os.stat(found.origin).st_mtime_ns)
    except SyntaxError as error:
        return f"{point.module}: {error.msg} (line {error.lineno})"
    except (OSError, ValueError) as error:
        return f"{point.module} cannot be read: {error}"
    if not source.binds & {point.attr.split(".")[0], IN_DOUBT, "__getattr__"}:
        return f"module {point.module} has no {point.attr}"
    missing = next((top for top in source.needs if top not in PRESENT and _find(top) is None), None)
    return f"{point.module} needs {missing}, which is not installed" if missing else None


def mismatch(point: EntryPoint) -> str | None:
    """One clause where the distribution's own dependencies exclude this mribench; else None."""
    return _excludes(about(point.dist).requires)


@lru_cache(maxsize=KEPT)
def _excludes(requires: tuple[str, ...]) -> str | None:
    for line in requires:
        try:
            needs = Requirement(line)
        except InvalidRequirement:
            continue
        wanted = canonicalize_name(needs.name) == "mribench" and (
            needs.marker is None or _holds(needs.marker)
        )
        # a development version counts as the release it leads to: that is what its author tries
        if wanted and not needs.specifier.contains(__version__, prereleases=True):
            return f"needs mribench{needs.specifier}, this is {__version__}"
    return None


def origin(point: EntryPoint) -> str:
    """The file that the entry point's module would be imported from; empty where there is none."""
    found = _find(point.module) if point.pattern.fullmatch(point.value) else None
    return (found.origin or "") if found else ""


@lru_cache(maxsize=KEPT)  # by the object, and every look-up of entry points makes new ones: never out of date
def about(found: Distribution | None) -> About:
    """What the metadata say; where they are damaged, the name of their folder and nothing else."""
    try:
        metadata = found.metadata
        # an egg-info folder keeps its dependencies in a file of their own
        requires = metadata.get_all("Requires-Dist") or found.requires
        told = metadata.get("Name"), metadata.get("Version"), requires
    except Exception:
        told = None, None, None
    name, version, requires = told
    name = name or Path(str(getattr(found, "_path", "unknown distribution"))).stem
    return About(name, version or "", tuple(requires or ()))


def _holds(marker: Marker) -> bool:
    """Whether a marker holds here; one that asks for an extra asks for something optional."""
    return marker.evaluate({"extra": ""})


def _find(module: str) -> ModuleSpec | None:
    """Where a module would be imported from. find_spec of a dotted name imports the parents: walk instead."""
    name, *rest = module.split(".")
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    for part in rest:
        if found is None or found.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        places = list(found.submodule_search_locations)
        try:
            found = PathFinder.find_spec(name, places)
        except KeyError:  # a folder without __init__.py asks for its parent, which is not imported
            folders = [str(Path(place) / part) for place in places if (Path(place) / part).is_dir()]
            found = ModuleSpec(name, None, is_package=True) if folders else None
            if found:
                found.submodule_search_locations += folders
    return found


@lru_cache(maxsize=KEPT)
def _source(path: str, changed: int) -> Source:
    """What a file binds and needs; ``changed`` (its time stamp) lets a new version be read anew.

    Raises what reading and parsing raise.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a foreign source may hold an odd escape; that breaks nothing
        tree = ast.parse(Path(path).read_bytes())
    return Source(frozenset(_binds(tree)), tuple(_needs(tree)))


def _needs(tree: ast.Module) -> list[str]:
    """Top-level packages that importing the module imports for certain, whatever else it does."""
    modules: list[str] = []
    for node in tree.body:
        match node:
            case ast.Import(names=aliases):
                modules += [alias.name for alias in aliases]
            case ast.ImportFrom(module=str(module), level=0):
                modules.append(module)
    return list(dict.fromkeys(module.split(".")[0] for module in modules))


def _binds(tree: ast.Module) -> Iterator[str]:
    """Names that a top level visibly binds, and IN_DOUBT where it may bind others (a star import, a branch)."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets):
                yield from (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=only)):
                yield only
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                yield from ((a.asname or a.name).split(".")[0] for a in aliases)
            case ast.FunctionDef(name=only) | ast.AsyncFunctionDef(name=only) | ast.ClassDef(name=only):
                yield only
            case ast.If() | ast.Try() | ast.With() | ast.For() | ast.While() | ast.Match():
                yield IN_DOUBT
