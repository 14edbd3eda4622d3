"""Names of data folders, which records of earlier versions hold, are replaced before anything is published.

A folder may be called after a patient. New records hold a name that the user chose, or one made from the images
(``dataset.name_by_content``); the folder's name is in files of the run folder alone, which are never published.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from mribench import results
from mribench.data import source
from mribench.data.store.dataset import name_by_content
from mribench.results import Result
from mribench.spec import Score

# before a folder's name, in records of earlier versions
FOLDER = "local:"
KIND = "name of a data folder"
# a shorter name, or a plain word such as "images", cannot be told from a word of the record
SHORTEST_NAME = 6


def read_all(run: Path) -> list[Result]:
    """The records of a run, each with the name by content where it held a folder's name."""
    return [by_content(result) for result in results.read_all([run])]


def by_content(result: Result) -> Result:
    """The record with the name of its data folder replaced wherever it is; unchanged where it holds none."""
    old = str(result.comparability["data"])
    if not old.startswith(FOLDER):
        return result
    new, pattern = name_by_content(str(result.comparability["data_key"])), re.escape(old) + r"(?!\w)"
    clean = _mapped(
        {f.name: getattr(result, f.name) for f in fields(result) if f.name != "scores"},
        lambda text: re.sub(pattern, new, text),
    )
    scores = (_mapped(asdict(score), lambda text: re.sub(pattern, new, text)) for score in result.scores)
    return Result(**clean, scores=tuple(Score(**score) for score in scores))


def sentence(run: Path) -> str | None:
    """What was replaced in the records of a run, for the user; None where nothing was."""
    old = [result for result in results.read_all([run]) if _holds_folder(result)]
    if not old:
        return None
    names = sorted({name_by_content(str(result.comparability["data_key"])) for result in old})
    return (
        f"{len(old)} records of an earlier version hold the name of the data folder, which was replaced by "
        f"{', '.join(names)}; to publish a name of your choice, run again with --data-name NAME"
    )


def traces(run: Path, known: Iterable[str]) -> dict[str, str]:
    """Names of the folders and files that a run's data came from, each with its kind, for a ``Redactor``.

    Args:
        run: the run folder.
        known: words of the records, lower-case, which are no traces.
    """
    recorded = [str(r.comparability["data"]) for r in results.read_all([run]) if _holds_folder(r)]
    names = {Path(path).name for path in (*source.noted_sources(run / "data").values(), *_asked_for(run))}
    names |= {name.removeprefix(FOLDER) for name in recorded}
    words = {
        name
        for name in names
        if len(name) >= SHORTEST_NAME and not re.fullmatch("[a-z]+", name) and name.lower() not in known
    }
    return dict.fromkeys((*recorded, *words), KIND)


def _holds_folder(result: Result) -> bool:
    return str(result.comparability["data"]).startswith(FOLDER)


def _asked_for(run: Path) -> list[str]:
    """The path that the run's last command was given as its data."""
    try:
        data = tomllib.loads((run / "spec.toml").read_text(encoding="utf-8")).get("data", "")
    except (OSError, ValueError):
        return []
    return [data] if isinstance(data, str) and data and source.is_own_files(data) else []


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with every text changed, keys too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(str(key)): _mapped(inner, change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mapped(inner, change) for inner in value)
    return value
