"""The layout of a shared folder, and the way back to a run folder.

The diffusers pipeline is at the top, where ``DiffusionPipeline.from_pretrained`` looks for it. ``mribench.json`` lists
every file with its sha256.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mribench import files, hashing, results
from mribench.errors import InputError
from mribench.hub.cells import PLAIN_NAME
from mribench.hub.leak_scan import tensor_index
from mribench.results import schema

MANIFEST = "mribench.json"
SCHEMA = 1
# folders with the same place in a run; ``training/`` and the pipeline go below train/
RUN_FOLDERS = ("results", "figures")
TRAINING = "training"
SUFFIXES = (".json", ".safetensors", ".png", ".md", ".yaml", ".csv")


def write_manifest(folder: Path, about: Mapping[str, Any]) -> None:
    """Write ``mribench.json`` over all files of a staged folder; ``about``: checkpoint, keep, cell and version."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    hashes = {name: hashing.file_sha256(folder / name) for name in names if name != MANIFEST}
    files.write_json(folder / MANIFEST, {"schema": SCHEMA, **about, "files": hashes})


def read_manifest(path: Path, source: str) -> dict[str, Any]:
    """The manifest of a shared folder, which a stranger may have written.

    Args:
        path: the file.
        source: its name in messages.

    Raises:
        InputError: it is no manifest, or of another schema, or names a file that reaches outside the folder or is of
            no kind that mribench shares.
    """
    try:
        manifest: dict[str, Any] = schema.decode(path.read_bytes())
        schema.check(manifest, schema.Shared)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{source} has no readable {MANIFEST} ({error}); expected what `mribench push` or `mribench pack` made"
        ) from error
    if manifest["schema"] != SCHEMA:
        raise InputError(
            f"{source} has layout {manifest['schema']!r}, expected {SCHEMA}; use the mribench that made it"
        )
    for name in manifest["files"]:
        inside = PurePosixPath(name)
        plain = all(PLAIN_NAME.fullmatch(part.removeprefix(".")) for part in inside.parts)
        if inside.is_absolute() or not plain or inside.suffix not in SUFFIXES:
            raise InputError(f"{source} names the file {name!r}, which mribench never writes; do not use it")
    folders = manifest["checkpoint"], manifest["keep"]
    if not all(map(PLAIN_NAME.fullmatch, folders)):
        raise InputError(
            f"{source} names the folders {folders!r}, which mribench never writes; do not use it"
        )
    return manifest


def restore(shared: Path, out: Path, source: str) -> None:
    """Copy a shared folder into a run folder, every file checked against the manifest.

    Args:
        shared: the folder as it was pushed or packed.
        out: the run folder; other cells may be there already.
        source: name of ``shared`` in messages.

    Raises:
        InputError: a file is missing, has another sha256 than the manifest says, or is no valid record.
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
            tensor_index(path, name)
        target = _target(PurePosixPath(name), out, train, manifest["keep"])
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for record in sorted((out / "results").rglob("*.json")):
        results.read(record)


def _target(name: PurePosixPath, out: Path, train: Path, keep: str) -> Path:
    if name.parts[0] in RUN_FOLDERS:
        return out / name
    if name.parts[0] == TRAINING:
        return train / PurePosixPath(*name.parts[1:])
    return train / keep / name
