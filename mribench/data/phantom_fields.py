"""Fields of a phantom's set: drawn again from the seed, subject and slice of every image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from mribench import device
from mribench import phantom as drawing_kit
from mribench.code_hash import code_hash
from mribench.data import phantom_workers
from mribench.data.split import SPLITS
from mribench.data.store import arrow
from mribench.errors import DataError
from mribench.hashing import json_hash
from mribench.spec import DrawFields, Field, Modality, Prepared

Progress = Callable[[int, int], None]
Arrays = Mapping[str, np.ndarray]  # by split
VERSION = 1  # raise it where the same drawing is stored in another way


def made_from(modality: Modality, size: int, seed: int) -> str:
    """A hash over the code that draws, of the plugin and of mribench.phantom, the size and the seed."""
    assert modality.draw_fields is not None
    code = code_hash(modality.draw_fields, follow=(drawing_kit.__name__,))
    return json_hash(["phantom", VERSION, code, size, seed])


def draw(
    modality: Modality,
    prepared: Prepared,
    names: Sequence[str],
    seed: int,
    progress: Progress | None = None,
) -> dict[str, tuple[Field, Arrays]]:
    """The fields of every image of a set, in its order. Raises DataError where a drawing breaks the contract."""
    declared = {field.name: field for field in modality.fields}
    size = int(prepared.manifest["size"])
    rows = {split: arrow.rows(prepared.path, split) for split in SPLITS}
    slices: dict[int, list[int]] = {}
    for split in SPLITS:
        for subject, slice, _ in rows[split]:
            slices.setdefault(_number(subject), []).append(slice)
    asked = tuple((subject, tuple(found)) for subject, found in sorted(slices.items()))
    one = partial(
        _subject, modality.draw_fields, modality.name, seed, size, [declared[name] for name in names], asked
    )
    most = max(len(found) for _, found in asked)
    drawn: dict[tuple[int, int], dict[str, np.ndarray]] = {}
    workers = phantom_workers.draw_subjects(one, len(asked), most, device.hardware().threads)
    for (subject, found), of_subject in zip(asked, workers, strict=True):
        drawn |= {(subject, slice): each for slice, each in zip(found, of_subject, strict=True)}
        if progress:
            progress(len(drawn), sum(map(len, rows.values())))

    def of_split(name: str, split: str) -> np.ndarray:
        images = [drawn[_number(subject), slice][name] for subject, slice, _ in rows[split]]
        return np.stack(images) if images else np.zeros((0, size, size), np.uint8)

    return {name: (declared[name], {split: of_split(name, split) for split in SPLITS}) for name in names}


def _number(subject: str) -> int:
    """Of a subject called like ``brain-0007``."""
    return int(subject.rpartition("-")[2])


def _subject(
    draw_fields: DrawFields,
    organ: str,
    seed: int,
    size: int,
    declared: Sequence[Field],
    asked: Sequence[tuple[int, tuple[int, ...]]],
    index: int,
) -> list[dict[str, np.ndarray]]:
    subject, slices = asked[index]
    names = [field.name for field in declared]
    found = (draw_fields(seed, subject, slice, size, names) for slice in slices)
    return [
        {field.name: _checked(each[field.name], field, organ, size) for field in declared} for each in found
    ]


def _checked(array: np.ndarray, field: Field, organ: str, size: int) -> np.ndarray:
    """uint8 (size, size), grey values in 0..255; of a displacement float32 (2, size, size)."""
    array = np.asarray(array)
    if field.kind == "displacement":
        if array.shape != (2, size, size) or array.dtype != np.float32 or not np.isfinite(array).all():
            raise DataError(
                f"The field {field.name} of the phantom of {organ} is {array.dtype} {array.shape}; expected finite "
                f"float32 (2, {size}, {size}): fix the plugin's draw_fields."
            )
        return array
    top = {"image": 1.001, "mask": 1, "labels": len(field.names) - 1}[field.kind]
    right = array.shape == (size, size) and np.isfinite(array).all() and array.min() >= -1e-3
    if not right or array.max() > top or (field.kind != "image" and array.dtype != np.uint8):
        raise DataError(
            f"The field {field.name} of the phantom of {organ} is {array.dtype} {array.shape} with values "
            f"{array.min()}..{array.max()}; expected ({size}, {size}) in [0, {top:.0f}]"
            f"{'' if field.kind == 'image' else ', uint8'}: fix the plugin's draw_fields."
        )
    return np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8) if field.kind == "image" else array
