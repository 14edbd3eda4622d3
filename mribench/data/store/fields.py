"""Named fields on disk, beside a prepared set and apart from it: a set is the same with and without them.

``<set>.fields/<name>-<hash>/`` holds ``train.npy``, ``validation.npy`` and ``test.npy``, uint8 (N, H, W), complex64
(N, coils, H, W) or float32, (N,) or (N, 2, H, W), in the order of the images of the set, ``field.json`` with what the
numbers mean, and ``files.json`` with sizes and digests. ``fields.json`` says which folder of each name is in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from mribench import files, hashing, manifest
from mribench.data.split import SPLITS
from mribench.data.store import arrow
from mribench.errors import DataError
from mribench.manifest import Damage
from mribench.spec import Field, Prepared
from mribench.spec.field import SLICE

INDEX = "fields.json"
ABOUT = "field.json"
# by kind; of all others uint8
DTYPES = {"complex": np.complex64, "number": np.float32, "displacement": np.float32}


def root(path: Path) -> Path:
    """Where the fields of the prepared set at ``path`` lie."""
    return path.with_name(f"{path.name}.fields")


def folder(prepared: Prepared, name: str, made_from: str) -> Path:
    """made_from: A hash of what the field is drawn with or read from."""
    return root(prepared.path) / f"{name}-{hashing.json_hash([prepared.key, name, made_from])}"


def save(prepared: Prepared, field: Field, arrays: Mapping[str, np.ndarray], made_from: str) -> None:
    """Write a field, whole or not at all, and put it in use. arrays: By split, of the type that ``DTYPES`` has."""
    target = folder(prepared, field.name, made_from)
    dtype = DTYPES.get(field.kind, np.uint8)
    with files.new_folder(target, lambda found: not damages_of(found)) as temporary:
        for split in SPLITS:
            np.save(temporary / f"{split}.npy", np.ascontiguousarray(arrays[split], dtype=dtype))
        # the last digits of what was computed differ from machine to machine: its key is of what it was made from
        key = hashing.json_sha256([prepared.key, made_from])
        if field.kind not in DTYPES:
            key = hashing.arrays_sha256({split: arrays[split] for split in SPLITS})
        about = {
            "field": asdict(field),
            "key": hashing.json_sha256([key, asdict(field)]),
            "set": prepared.key,
        }
        files.write_json(temporary / ABOUT, about)
        manifest.write(temporary / manifest.NAME, [temporary])
    use(prepared, field.name, target)


def use(prepared: Prepared, name: str, target: Path) -> None:
    """Make a folder the one that is read."""
    index = _index(prepared.path)
    if index.get(name) != target.name:
        files.write_json(root(prepared.path) / INDEX, {**index, name: target.name})


def in_use(path: Path, name: str) -> Path | None:
    """The folder of a field of the set at ``path``; None where the field was never made."""
    found = _index(path).get(name)
    return root(path) / found if found else None


def names(path: Path) -> tuple[str, ...]:
    """The fields that were made for the set at ``path``."""
    return tuple(sorted(_index(path)))


def attach(prepared: Prepared, wanted: Iterable[str]) -> Prepared:
    """The set with those of the fields that were made for it; the others stay absent.

    Raises:
        DataError: Where one is damaged.
    """
    found: dict[str, Mapping[str, np.ndarray]] = {}
    meaning, keys = dict(prepared.fields), dict(prepared.field_keys)
    for name in dict.fromkeys(wanted):
        at = in_use(prepared.path, name)
        if name == SLICE:
            found[name] = {split: _slices(prepared.path, split) for split in SPLITS}
            meaning[name] = Field(name, "index")
            keys[name] = hashing.arrays_sha256(found[name])
        elif at is not None:
            about = _read(prepared, name, at)
            found[name] = {split: np.load(at / f"{split}.npy", mmap_mode="r") for split in SPLITS}
            meaning[name] = Field(about["name"], about["kind"], tuple(about["names"]))
            keys[name] = about["key"]
    if not found:
        return prepared
    splits = {
        split: replace(
            getattr(prepared, split),
            fields={**getattr(prepared, split).fields, **{name: one[split] for name, one in found.items()}},
        )
        for split in SPLITS
    }
    return replace(prepared, **splits, fields=meaning, field_keys=keys)


def _read(prepared: Prepared, name: str, at: Path) -> dict[str, Any]:
    if damaged := damages_of(at):
        raise DataError(f"{damaged[0]}; delete {at} and prepare the data again, with their fields")
    about = files.read_json(at / ABOUT)
    if about["set"] != prepared.key:
        raise DataError(
            f"{at} belongs to other images; delete it and prepare the data again, with their fields"
        )
    return {**about["field"], "key": about["key"]}


def damages_of(at: Path) -> list[Damage]:
    """What is missing or was changed of a field's folder."""
    if not (at / manifest.NAME).is_file():
        return [Damage(at / manifest.NAME, manifest.MISSING)]
    return manifest.damages(at / manifest.NAME)


def _index(path: Path) -> dict[str, str]:
    try:
        return dict(files.read_json(root(path) / INDEX))
    except (OSError, ValueError, TypeError):
        return {}


def _slices(path: Path, split: str) -> np.ndarray:
    return np.array([slice for _, slice, _ in arrow.rows(path, split)], dtype=np.int64)
