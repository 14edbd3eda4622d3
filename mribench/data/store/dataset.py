"""A prepared dataset on disk: a Hugging Face ``datasets`` folder and its manifest, written atomically."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mribench import files
from mribench.data import qa
from mribench.data.slices import SliceRecord
from mribench.data.split import SPLITS, check_disjoint
from mribench.data.store import fields
from mribench.data.store.arrow import head, read_split, write_splits
from mribench.errors import DataError
from mribench.hashing import file_sha256
from mribench.provenance import git_commit
from mribench.results import schema
from mribench.spec import Modality, Prepared, Split

MANIFEST = "manifest.json"


def content_key(splits: Mapping[str, Split], size: int) -> str:
    """sha256 hex over size, split names, subjects and pixels: two folders with one key hold the same data."""
    digest = _new_digest(size)
    for name in SPLITS:
        split = splits[name]
        digest.update(head(name, split.images.shape, split.subjects))
        for image in split.images:
            digest.update(image.tobytes())
    return digest.hexdigest()


def name_by_content(key: str) -> str:
    """What boards call a user's own images that were given no name. key: of their content."""
    return f"local-{key[:8]}"


def save(path: Path, splits: Mapping[str, Sequence[SliceRecord]], manifest: Mapping[str, Any]) -> None:
    """Write ``path`` so that it exists either completely or not at all; another process may do the same.

    Args:
        path: The folder of the set.
        splits: Records of train, validation and test.
        manifest: Holds at least kind and size. Added are the name where there is none (``name_by_content``), the key,
            counts, the sha256 of every image's pixels and of every file, the commit of the code, and for real data what
            looked suspicious (``qa``), with a contact sheet ``qa.png``.

    Raises:
        DataError: Where a subject is in two splits.
    """
    check_disjoint({name: (record.subject for record in records) for name, records in splits.items()})
    report = qa.inspect(splits)
    key = _key_of(splits, manifest["size"])
    full = {
        **manifest,
        "name": manifest.get("name") or name_by_content(key),
        "key": key,
        "images": {name: len(splits[name]) for name in SPLITS},
        "subjects": {name: len({record.subject for record in splits[name]}) for name in SPLITS},
        "commit": git_commit(),
        "pixels_sha256": report.digests,
    }
    if manifest["kind"] == "real":
        full["qa"] = report.manifest
        full["near_duplicates_across_splits"] = report.manifest["near_duplicates_across_splits"]

    with files.new_folder(path, _is_valid) as folder:
        write_splits(folder, splits)
        if manifest["kind"] == "real":
            qa.draw(folder / qa.SHEET, splits, report)
        written = sorted(file for file in folder.rglob("*") if file.is_file())
        full["files"] = {file.relative_to(folder).as_posix(): file_sha256(file) for file in written}
        files.write_sealed(folder / MANIFEST, (json.dumps(full, indent=1) + "\n").encode())


def load(path: Path, modality: Modality | None = None, wanted: Sequence[str] = ()) -> Prepared:
    """Read a prepared dataset and prove it: file digests, content key, splits with no common subject.

    Args:
        path: The folder.
        modality: The organ it was prepared for. Without it the manifest tells whether the set is MRI, which those of
            earlier versions do not.
        wanted: Names of fields; those that were made for the set are read.

    Raises:
        DataError: Where something is missing or was changed; names the folder.
    """
    manifest = read_manifest(path)
    for name, expected in manifest["files"].items():
        file = path / name
        if not file.is_file() or file_sha256(file) != expected:
            raise DataError(
                f"{path.name}: {name} is missing or was changed; delete the folder and prepare it again."
            )
    size = manifest["size"]
    digest = _new_digest(size)
    splits = {name: read_split(path, name, size, digest.update) for name in SPLITS}
    check_disjoint({name: split.subjects for name, split in splits.items()})
    if digest.hexdigest() != manifest["key"]:
        raise DataError(
            f"{path.name}: the pixels do not match the manifest; delete the folder and prepare it again."
        )
    prepared = Prepared(
        path,
        manifest["key"],
        manifest["name"],
        manifest["kind"],
        **splits,
        manifest=manifest,
        is_mri=modality.is_mri if modality else manifest.get("is_mri", True),
        modality=modality.name if modality else "",
    )
    return fields.attach(prepared, wanted)


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of the set at ``path``, its images not proved. Raises DataError where it is missing or damaged."""
    try:
        manifest: dict[str, Any] = schema.decode((path / MANIFEST).read_bytes())
        schema.check(manifest, schema.Manifest)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path.name} has no readable {MANIFEST} ({error}); delete the folder and prepare it again."
        ) from error
    if files.is_damaged(path / MANIFEST):
        raise DataError(
            f"{path.name}: {MANIFEST} was changed after it was written; delete the folder and prepare it again."
        )
    return manifest


def _is_valid(path: Path) -> bool:
    try:
        load(path)
    except DataError:
        return False
    return True


def _new_digest(size: int) -> Any:
    return hashlib.sha256(f"mribench-prepared-1\0{size}".encode())


def _key_of(splits: Mapping[str, Sequence[SliceRecord]], size: int) -> str:
    """``content_key`` of records, one image in memory at a time."""
    digest = _new_digest(size)
    for name in SPLITS:
        digest.update(
            head(name, (len(splits[name]), size, size), [record.subject for record in splits[name]])
        )
        for record in splits[name]:
            digest.update(record.image.tobytes())
    return digest.hexdigest()
