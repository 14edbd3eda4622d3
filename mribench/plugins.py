"""Entry-point look-up. Listing imports no plugin; loading imports only what was asked for.

First and third parties use the same door: mribench's own variants are entry points of its own distribution.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from mribench import spec
from mribench.errors import InputError, PluginError

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
    """One installed plugin as its metadata tells it; ``problem`` is None where nothing is wrong."""

    group: str
    name: str
    value: str
    distribution: str
    version: str
    problem: str | None = None


def entries(group: str) -> list[Entry]:
    """Every installed plugin of a group, sorted by name, without importing any of them."""
    found = sorted(_points(group), key=lambda p: (p.name, _distribution(p)))
    claims: dict[str, list[str]] = {}
    for point in found:
        claims.setdefault(point.name, []).append(_distribution(point))
    return [
        Entry(group, p.name, p.value, _distribution(p), p.dist.version if p.dist else "", _problem(p, claims[p.name]))
        for p in found
    ]


def names(group: str) -> list[str]:
    """Names of the installed plugins of a group, sorted."""
    return sorted({point.name for point in _points(group)})


def load(group: str, name: str) -> Any:
    """Import one plugin and return its object.

    Raises InputError for an unknown name (with a suggestion), PluginError (distribution, entry point, cause) where it
    is broken, of the wrong type or name, or claimed by two distributions.
    """
    points = [p for p in _points(group) if p.name == name]
    if not points:
        raise InputError(_unknown(group, name))
    if len(points) > 1:
        owners = " and ".join(sorted(_distribution(p) for p in points))
        raise PluginError(f"{_noun(group)} {name!r} is claimed by {owners}; uninstall one of them")
    (point,) = points
    where = f"{_distribution(point)}, entry point mribench.{group}: {name} = {point.value}"
    try:
        plugin = point.load()
    except Exception as error:
        # a plugin's import may fail in any way; whatever it is, the sentence must name the plugin
        raise PluginError(f"cannot load {_noun(group)} {name!r} ({where}): {type(error).__name__}: {error}") from error
    if not isinstance(plugin, GROUPS[group]):
        expected = " or ".join(f"mribench.{t.__name__}" for t in GROUPS[group])
        raise PluginError(f"{_noun(group)} {name!r} ({where}) is a {type(plugin).__name__}; expected {expected}")
    if plugin.name != name:
        raise PluginError(f"{_noun(group)} {name!r} ({where}) calls itself {plugin.name!r}; make the names equal")
    return plugin


def load_all(group: str, wanted: Iterable[str]) -> dict[str, Any]:
    """``load`` for several names, in the order given, each once."""
    return {name: load(group, name) for name in dict.fromkeys(wanted)}


def owner(group: str, name: str) -> str:
    """'distribution version' of a loaded plugin, for provenance."""
    return next(
        (f"{e.distribution} {e.version}" for e in entries(group) if e.name == name and e.problem is None), "unknown"
    )


def _points(group: str) -> list[EntryPoint]:
    return list(entry_points(group=f"mribench.{group}"))


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown distribution"


def _noun(group: str) -> str:
    return {"modalities": "modality", "features": "feature space"}.get(group, group.removesuffix("s"))


def _unknown(group: str, name: str) -> str:
    installed = names(group)
    close = get_close_matches(name, installed, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"installed are: {', '.join(installed) or 'none'}"
    return f"unknown {_noun(group)} {name!r}; {hint} (mribench list shows all)"


def _problem(point: EntryPoint, claimants: list[str]) -> str | None:
    """What is visibly wrong without importing: claimed twice, module missing, source broken, name missing."""
    if len(claimants) > 1:
        return f"claimed by {' and '.join(claimants)}"
    source = _source(point.module)
    if source is None:
        return f"module {point.module} not found"
    if source.suffix != ".py":
        return None
    try:
        tree = ast.parse(source.read_bytes())
    except SyntaxError as error:
        return f"{point.module}: {error.msg} (line {error.lineno})"
    return None if _binds(tree, point.attr.split(".")[0]) else f"module {point.module} has no {point.attr}"


def _source(module: str) -> Path | None:
    """The file a module would be imported from. find_spec of a dotted name would import the parents: walk instead."""
    top, *rest = module.split(".")
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    name = top
    for part in rest:
        if found is None or found.submodule_search_locations is None:
            return None
        name = f"{name}.{part}"
        found = PathFinder.find_spec(name, list(found.submodule_search_locations))
    return Path(found.origin) if found and found.origin else None


def _binds(tree: ast.Module, name: str) -> bool:
    """Whether a module's top level visibly binds ``name``; in doubt (star import, __getattr__) yes."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets):
                bound = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=only)):
                bound = [only]
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                bound = [(a.asname or a.name).split(".")[0] for a in aliases]
            case ast.FunctionDef(name=only) | ast.ClassDef(name=only):
                bound = [only]
            case ast.If() | ast.Try() | ast.With() | ast.For():
                return True
            case _:
                bound = []
        if name in bound or "*" in bound or "__getattr__" in bound:
            return True
    return False
