"""What a shared folder looks like, and how it becomes a run folder again.

At its top is the diffusers pipeline, so that ``DiffusionPipeline.from_pretrained`` finds it; ``mribench.json`` names
every file with its sha256 and says where in a run it belongs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mribench import files, hashing, results
from mribench.errors import InputError
from mribench.hub.cells import PLAIN
from mribench.hub.search import header

MANIFEST = "mribench.json"
SCHEMA = 1
# parts of a shared folder that lie in a run where they lie here; ``training/`` and the pipeline go below train/
AS_THEY_ARE = ("results", "figures")
TRAINING = "training"
KINDS = (".json", ".safetensors", ".png", ".md", ".yaml", ".csv")


def write_manifest(folder: Path, about: Mapping[str, Any]) -> None:
    """Write ``mribench.json`` over all files of a staged folder. about: checkpoint, keep, cell."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    hashes = {name: hashing.file_sha256(folder / name) for name in names if name != MANIFEST}
    files.write_json(folder / MANIFEST, {"schema": SCHEMA, **about, "files": hashes})


def read_manifest(path: Path, source: str) -> dict[str, Any]:
    """The manifest of a shared folder, which a stranger may have written.

    Raises InputError where it is none, of another schema, or names a file that reaches outside or is of no kind that
    mribench shares. source: what the message calls it.
    """
    try:
        found = json.loads(path.read_text())
        schema, names, places = (
            found["schema"],
            list(found["files"].items()),
            (found["checkpoint"], found["keep"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{source} has no readable {MANIFEST}; expected what `mribench push` or `mribench pack` made"
        ) from error
    if schema != SCHEMA:
        raise InputError(f"{source} has layout {schema!r}, expected {SCHEMA}; use the mribench that made it")
    for name, digest in names:
        inside = PurePosixPath(name)
        plain = all(PLAIN.fullmatch(part.removeprefix(".")) for part in inside.parts)
        if inside.is_absolute() or not plain or inside.suffix not in KINDS or not isinstance(digest, str):
            raise InputError(f"{source} names the file {name!r}, which mribench never writes; do not use it")
    if not all(isinstance(place, str) and PLAIN.fullmatch(place) for place in places):
        raise InputError(f"{source} names the folders {places!r}, which mribench never writes; do not use it")
    return found


def lay_out(shared: Path, out: Path, source: str) -> None:
    """Copy a shared folder into the run folder ``out``, every byte proved by the manifest.

    Raises InputError where a file is missing, has another sha256 than the manifest says, or is no valid record.
    """
    manifest = read_manifest(shared / MANIFEST, source)
    train = out / "train" / manifest["checkpoint"]
    for name, digest in manifest["files"].items():
        path = shared / name
        if not path.is_file() or hashing.file_sha256(path) != digest:
            raise InputError(
                f"{source}: {name} is missing or has another sha256 than {MANIFEST} says; fetch it again, or report it"
            )
        if path.suffix == ".safetensors":
            header(path, name)
        target = _target(PurePosixPath(name), out, train, manifest["keep"])
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for record in sorted((out / "results").rglob("*.json")):
        results.read(record)


def _target(name: PurePosixPath, out: Path, train: Path, keep: str) -> Path:
    if name.parts[0] in AS_THEY_ARE:
        return out / name
    if name.parts[0] == TRAINING:
        return train / PurePosixPath(*name.parts[1:])
    return train / keep / name
