"""What is visibly wrong with an entry point, read from its source and never by importing it."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import NamedTuple

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from mribench._version import __version__

CACHE_SIZE = 1024  # a listing asks about a distribution, or a file, once for each of its entry points
UNCERTAIN = "*"


class DistributionInfo(NamedTuple):
    """What the metadata of a distribution say."""

    name: str
    version: str
    requires: tuple[str, ...]


class SourceNames(NamedTuple):
    """What the top level of a module's source shows."""

    defined: frozenset[str]  # names; ``UNCERTAIN`` among them where it may define others
    imported: tuple[str, ...]  # top-level packages


def find_spec(module: str) -> ModuleSpec | None:
    """Where a module would be imported from.

    ``importlib.util.find_spec`` of a dotted name imports the parents, so each part is looked up by itself.
    """
    name, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        locations = list(spec.submodule_search_locations)
        try:
            spec = PathFinder.find_spec(name, locations)
        except KeyError:  # a folder without __init__.py asks for its parent, which is not imported
            folders = [str(Path(place) / part) for place in locations if (Path(place) / part).is_dir()]
            spec = ModuleSpec(name, None, is_package=True) if folders else None
            if spec:
                spec.submodule_search_locations += folders
    return spec


FindSpec = Callable[[str], ModuleSpec | None]


def problem(point: EntryPoint, find: FindSpec = find_spec) -> str | None:
    """One clause, or None where nothing is visibly wrong; ``find`` is ``find_spec``, or one that remembers.

    Found are: a malformed value, a missing module, a source that does not parse, a name that it does not define, a
    missing dependency, and a version of mribench that the distribution excludes. What only an import can show (an
    exception at run time, a wrong type) is found by ``lookup.load``.
    """
    if point.pattern.fullmatch(point.value) is None or not point.attr:
        return f"{point.value!r} does not name an object; expected module:name"
    if clause := version_mismatch(point):
        return clause
    spec = find(point.module)
    if spec is None:
        return f"module {point.module} not found"
    if not spec.origin or not spec.origin.endswith(".py"):
        return None
    try:
        source = _source_names(spec.origin, os.stat(spec.origin).st_mtime_ns)
    except SyntaxError as error:
        return f"{point.module}: {error.msg} (line {error.lineno})"
    except (OSError, ValueError) as error:
        return f"{point.module} cannot be read: {error}"
    if not source.defined & {point.attr.split(".")[0], UNCERTAIN, "__getattr__"}:
        return f"module {point.module} has no {point.attr}"
    needed = [package for package in source.imported if package not in sys.stdlib_module_names]
    missing = next((package for package in needed if find(package) is None), None)
    return f"{point.module} needs {missing}, which is not installed" if missing else None


def version_mismatch(point: EntryPoint) -> str | None:
    """One clause where the distribution's own dependencies exclude this mribench; else None."""
    return _exclusion(distribution_info(point.dist).requires)


@lru_cache(maxsize=CACHE_SIZE)
def _exclusion(requires: tuple[str, ...]) -> str | None:
    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) != "mribench" or not _applies(requirement.marker):
            continue
        # a development version counts as the release it leads to
        if not requirement.specifier.contains(__version__, prereleases=True):
            return f"needs mribench{requirement.specifier}, this is {__version__}"
    return None


def source_file(point: EntryPoint, find: FindSpec = find_spec) -> str:
    """The file that the entry point's module would be imported from; empty where there is none."""
    spec = find(point.module) if point.pattern.fullmatch(point.value) else None
    return (spec.origin or "") if spec else ""


# cached by the object; each reading of the entry points makes new ones, so that nothing here is ever out of date
@lru_cache(maxsize=CACHE_SIZE)
def distribution_info(distribution: Distribution | None) -> DistributionInfo:
    """What the metadata say; where they are damaged, the name of their folder and nothing else."""
    try:
        metadata = distribution.metadata
        name, version = metadata.get("Name"), metadata.get("Version")
        # an egg-info folder keeps its dependencies in a file of their own
        requires = metadata.get_all("Requires-Dist") or distribution.requires
    except Exception:
        name, version, requires = None, None, None
    name = name or Path(str(getattr(distribution, "_path", "unknown distribution"))).stem
    return DistributionInfo(name, version or "", tuple(requires or ()))


def _applies(marker: Marker | None) -> bool:
    """Whether a requirement with this marker is needed here; that of an extra is optional."""
    return marker is None or marker.evaluate({"extra": ""})


@lru_cache(maxsize=CACHE_SIZE)
def _source_names(path: str, modified: int) -> SourceNames:
    """What a file defines and imports; ``modified``, its time stamp, makes a changed file be read again.

    Raises what reading and parsing raise.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a foreign source may hold an odd escape; that breaks nothing
        tree = ast.parse(Path(path).read_bytes())
    return SourceNames(frozenset(_defined_names(tree)), tuple(_imported_packages(tree)))


def _imported_packages(tree: ast.Module) -> list[str]:
    """Top-level packages that importing the module imports in any case."""
    modules: list[str] = []
    for node in tree.body:
        match node:
            case ast.Import(names=aliases):
                modules += [alias.name for alias in aliases]
            case ast.ImportFrom(module=str(module), level=0):
                modules.append(module)
    return list(dict.fromkeys(module.split(".")[0] for module in modules))


def _defined_names(tree: ast.Module) -> Iterator[str]:
    """Names that the top level visibly defines, and UNCERTAIN where it may define others, as a star import does."""
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
                yield UNCERTAIN
