"""Collects the plugins that ``mribench plugin check TARGET`` looks at."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.utils import canonicalize_name

from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.plugins.lookup import PluginEntry


def collect(target: str) -> list[PluginEntry]:
    """The installed plugins of a name, of a distribution, or of a package's folder.

    Raises InputError where there is none.
    """
    if Path(target).is_dir() or "/" in target:
        return _of_folder(Path(target))
    found = [
        entry
        for entry in lookup.choose()
        if entry.name == target or canonicalize_name(entry.distribution) == canonicalize_name(target)
    ]
    if not found:
        raise InputError(
            f"no plugin or distribution is called {target!r}; see mribench list, or give the folder of a package"
        )
    return found


def _of_folder(folder: Path) -> list[PluginEntry]:
    """The folder's package must be installed, with the entry points that its pyproject.toml declares."""
    path = folder / "pyproject.toml"
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {})
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; give the folder that holds a package's pyproject.toml"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    declared = {
        (group.removeprefix("mribench."), name, value)
        for group, points in project.get("entry-points", {}).items()
        if group.removeprefix("mribench.") in lookup.GROUPS and group.startswith("mribench.")
        for name, value in points.items()
    }
    if not declared:
        raise InputError(
            f'{path} names no plugin; expected a table such as [project.entry-points."mribench.modalities"]'
        )
    own = canonicalize_name(str(project.get("name", "")))
    found = [entry for entry in lookup.choose() if canonicalize_name(entry.distribution) == own]
    installed = {(entry.group, entry.name, entry.value) for entry in found}
    if declared != installed:
        missing = ", ".join(name for _, name, _ in sorted(declared - installed)) or "nothing"
        extra = ", ".join(name for _, name, _ in sorted(installed - declared)) or "nothing"
        raise InputError(
            f"the package in {folder} is not installed as its pyproject.toml says (not installed: {missing}; "
            f"installed and not declared: {extra}); run python -m pip install -e {folder}"
        )
    return found
