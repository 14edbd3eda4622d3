"""Manifests: size and sha256 of every file of a finished stage, written last, so that damage to a file is noticed.

A disk that flips a bit changes neither the size nor the times of a file; only its content tells.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mribench import files, hashing

# not "manifest.json", which a folder of prepared images has
NAME = "files.json"
# bytes; of a larger file a quick check looks at the size alone, because many weights would take seconds
QUICK_BYTES = 4 << 20
MISSING = "is missing"

Entries = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Damage:
    """A file that is not as it was written."""

    path: Path
    found: str  # "is missing", "has sha256 ..., expected ..."

    @property
    def is_missing(self) -> bool:
        return self.found == MISSING

    def __str__(self) -> str:
        return f"{self.path} {self.found}"


def describe(folder: Path, paths: Iterable[Path]) -> Entries:
    """``{"size": bytes, "sha256": 64 hex digits}`` of files, by their names relative to ``folder``.

    Of a folder among the paths every file below it is taken.
    """
    found = (file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path]))
    return {
        file.relative_to(folder).as_posix(): {
            "size": file.stat().st_size,
            "sha256": hashing.file_sha256(file),
        }
        for file in found
        if file.is_file()
    }


def write(path: Path, paths: Iterable[Path], flush: bool = True) -> None:
    """Write the manifest of files in the same folder, or below it, as the last file of their stage."""
    entries = describe(path.parent, paths)
    files.write_json(path, {"files": entries, "sha256": hashing.json_sha256(entries)}, flush)


def damages(path: Path, quick: bool = False) -> list[Damage]:
    """What does not match a manifest, the manifest itself included; nothing where there is none.

    Earlier versions wrote no manifests, and no stage is left without one by a kill.

    Args:
        path: The manifest.
        quick: Of files above ``QUICK_BYTES`` compare the size alone: for a check that reads none of them.
    """
    try:
        content = files.read_json(path)
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        return [Damage(path, "cannot be read")]
    entries = content.get("files") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or content.get("sha256") != hashing.json_sha256(entries):
        return [Damage(path, "was changed after it was written")]
    return changed(path.parent, entries, quick)


def changed(folder: Path, entries: Entries, quick: bool = False) -> list[Damage]:
    """The files that are no longer as ``describe`` found them."""
    found = ((name, _difference(f"{folder}/{name}", entry, quick)) for name, entry in entries.items())
    return [Damage(folder / name, difference) for name, difference in found if difference]


def _difference(path: str, entry: dict[str, Any], quick: bool) -> str | None:
    """What is wrong with a file; None where nothing is."""
    try:
        # a finished suite has thousands of files: no Path, no buffer
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size != entry["size"]:
                return f"has {size} bytes, expected {entry['size']}"
            if size > QUICK_BYTES:
                sha256 = entry["sha256"] if quick else hashlib.file_digest(file, "sha256").hexdigest()
            else:
                sha256 = hashlib.sha256(file.readall()).hexdigest()
    except FileNotFoundError:
        return MISSING
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None if sha256 == entry["sha256"] else f"has sha256 {sha256}, expected {entry['sha256']}"
