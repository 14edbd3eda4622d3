"""The layout of a shared folder, and the way back to a run folder.

The diffusers pipeline is at the top, where ``DiffusionPipeline.from_pretrained`` looks for it, further networks are
below ``stages/``. ``mribench.json`` lists every file with its sha256. Of what is plain diffusers (``plain``) the
weights have other names of their tensors than in the run, and the pipeline's configuration as it was trained is below
``training/``.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from mribench import files, hashing, results
from mribench.errors import InputError
from mribench.hub import weights
from mribench.hub.cells import PLAIN_NAME
from mribench.hub.leak_scan import tensor_index
from mribench.results import schema

MANIFEST = "mribench.json"
SCHEMA = 2
# 1: a single network, as it was trained
READ = (1, SCHEMA)
# folders with the same place in a run; ``training/`` and the pipeline go below train/
RUN_FOLDERS = ("results", "figures")
TRAINING, STAGES = "training", "stages"
# what diffusers reads of a plain repository; the run has its own of the same names
PLAIN = ("model_index.json", "unet", "scheduler")
# code for diffusers, which nothing here runs and no run folder holds
CODE = "pipeline.py"
SUFFIXES = (".json", ".safetensors", ".png", ".md", ".yaml", ".csv")


def write_manifest(folder: Path, about: Mapping[str, Any]) -> None:
    """Write ``mribench.json`` over all files of a staged folder.

    about: checkpoint, keep, cell and version; of what is plain diffusers, the ``prefix`` of the tensors' names.
    """
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
    if manifest["schema"] not in READ:
        raise InputError(
            f"{source} has layout {manifest['schema']!r}, expected {' or '.join(map(str, READ))}; use the mribench "
            "that made it"
        )
    for name in manifest["files"]:
        inside = PurePosixPath(name)
        plain = all(PLAIN_NAME.fullmatch(part.removeprefix(".")) for part in inside.parts)
        if inside.is_absolute() or not plain or (inside.suffix not in SUFFIXES and name != CODE):
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
    train, is_plain = out / "train" / manifest["checkpoint"], manifest.get("prefix") is not None
    for name, digest in manifest["files"].items():
        path = shared / name
        if name == CODE:
            continue
        if not path.is_file() or hashing.file_sha256(path) != digest:
            raise InputError(
                f"{source}: {name} is missing or has another sha256 than {MANIFEST} says; fetch it again, or report it"
            )
        if path.suffix == ".safetensors":
            tensor_index(path, name)
        target = _target(PurePosixPath(name), out, train, manifest["keep"], is_plain)
        if target is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_plain and path.suffix == ".safetensors":
            weights.rename(path, target, lambda tensor: manifest["prefix"] + tensor)
        else:
            shutil.copyfile(path, target)
    for record in sorted((out / "results").rglob("*.json")):
        results.read(record)


def _target(name: PurePosixPath, out: Path, train: Path, keep: str, is_plain: bool) -> Path | None:
    """The place of a file in the run folder; None for what only diffusers reads."""
    first, *rest = name.parts
    if is_plain and first in PLAIN and name.suffix != ".safetensors":
        return None
    if first in RUN_FOLDERS:
        return out / name
    if first == TRAINING:
        return train / PurePosixPath(*rest)
    if first == STAGES and len(rest) > 1:
        stage, *file = rest
        return train / stage / keep / PurePosixPath(*file)
    return train / keep / name
