"""A prepared dataset on disk: a Hugging Face ``datasets`` folder and its manifest, written atomically."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mribench.data.arrow import read_split, write_splits
from mribench.data.atomic import sync, write_folder
from mribench.data.prepare import SliceRecord
from mribench.data.split import SPLITS, check_disjoint
from mribench.errors import DataError
from mribench.spec import Prepared, Split

MANIFEST = "manifest.json"


def content_key(splits: Mapping[str, Split], size: int) -> str:
    """sha256 hex over size, split names, subjects and pixels: two folders with one key hold the same data."""
    digest = hashlib.sha256(f"mribench-prepared-1\0{size}".encode())
    for name in SPLITS:
        split = splits[name]
        digest.update(json.dumps([name, list(split.images.shape), list(split.subjects)]).encode())
        digest.update(np.ascontiguousarray(split.images).tobytes())
    return digest.hexdigest()


def save(path: Path, splits: Mapping[str, Sequence[SliceRecord]], manifest: Mapping[str, Any]) -> None:
    """Write ``path`` so that it exists either completely or not at all; another process may do the same.

    splits: train, validation and test records; manifest: must hold name, kind and size; key, counts and
    file digests are added. Raises DataError where a subject stands in two splits.
    """
    check_disjoint({name: (record.subject for record in records) for name, records in splits.items()})
    arrays = {name: _split(splits[name], manifest["size"]) for name in SPLITS}
    full = {
        **manifest,
        "key": content_key(arrays, manifest["size"]),
        "images": {name: len(split) for name, split in arrays.items()},
        "subjects": {name: split.n_subjects for name, split in arrays.items()},
    }

    def write(folder: Path) -> None:
        write_splits(folder, splits)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        full["files"] = {file.relative_to(folder).as_posix(): _sha256(file) for file in files}
        (folder / MANIFEST).write_text(json.dumps(full, indent=1) + "\n", encoding="utf-8")
        sync(folder)

    write_folder(path, write, is_valid=_is_valid)


def load(path: Path) -> Prepared:
    """Read a prepared dataset and prove it: file digests, content key, splits with no common subject.

    Raises DataError, naming the folder, where something is missing or was changed.
    """
    manifest = _manifest(path)
    for name, expected in manifest["files"].items():
        file = path / name
        if not file.is_file() or _sha256(file) != expected:
            raise DataError(
                f"{path.name}: {name} is missing or was changed; delete the folder and prepare it again."
            )
    splits = {name: read_split(path, name) for name in SPLITS}
    check_disjoint({name: split.subjects for name, split in splits.items()})
    if content_key(splits, manifest["size"]) != manifest["key"]:
        raise DataError(
            f"{path.name}: the pixels do not match the manifest; delete the folder and prepare it again."
        )
    return Prepared(path, manifest["key"], manifest["name"], manifest["kind"], **splits, manifest=manifest)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        missing = {"key", "name", "kind", "size", "files"} - set(manifest)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path.name} has no readable {MANIFEST}; delete the folder and prepare it again."
        ) from error
    if missing:
        raise DataError(
            f"{path.name}: {MANIFEST} lacks {sorted(missing)[0]}; delete the folder and prepare it again."
        )
    return manifest


def _is_valid(path: Path) -> bool:
    try:
        load(path)
    except DataError:
        return False
    return True


def _split(records: Sequence[SliceRecord], size: int) -> Split:
    images = np.stack([r.image for r in records]) if records else np.zeros((0, size, size), np.uint8)
    return Split(images, tuple(record.subject for record in records))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
