"""Where sets were prepared on this machine: a run with another ``--out`` copies one and reads no scans again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from mribench import files
from mribench._version import __version__
from mribench.data.store.dataset import load, read_manifest
from mribench.errors import DataError

MAX_FOLDERS = 8  # of one set that are remembered, the latest first


def note(index: Path, folder: Path) -> None:
    """Remember that the set ``folder`` exists. An ``index`` that cannot be written remembers nothing."""
    latest = str(folder.resolve())
    known = [latest, *(path for path in _known(index, folder.name) if path != latest)]
    try:
        files.write_json(index / f"{folder.name}.json", known[:MAX_FOLDERS])
    except OSError:
        return


def copied(index: Path, folder: Path, notes: dict[str, Any]) -> bool:
    """Whether a whole set of this name was found elsewhere and copied to ``folder``.

    Args:
        index: the folder that ``note`` writes to. It holds paths of this machine and is never published.
        folder: its name tells what the set is made from.
        notes: what its manifest must say, as by this version.
    """
    for path in map(Path, _known(index, folder.name)):
        try:
            manifest = read_manifest(path)
            if {**manifest, **notes, "mribench": __version__} != manifest:
                continue
            with files.new_folder(folder) as temporary:
                shutil.copytree(path, temporary, dirs_exist_ok=True)
                load(temporary)
        except (DataError, OSError):
            continue  # it is gone, or was changed
        return True
    return False


def _known(index: Path, name: str) -> list[str]:
    try:
        return [str(path) for path in files.read_json(index / f"{name}.json")]
    except (OSError, ValueError, TypeError):
        return []
