"""Restored images on disk or in memory: an image for each question at each level, matched by name or by order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mribench import hashing
from mribench.errors import InputError
from mribench.sampling.pretrained import grey_images
from mribench.scoring import stored_images
from mribench.scoring.questions import Questions, level_name
from mribench.scoring.stored_images import some
from mribench.tasks.inverse import SAMPLES

ONLY = ""  # the level of images that name none
IDS = "ids"
ADVICE = "give the --against, --task, --seed, --profile and --size with which `mribench questions` wrote them"


@dataclass(frozen=True)
class Restored:
    """Images as they were found."""

    by_level: Mapping[str, np.ndarray]  # name of the level -> uint8 (n, samples, H, W)
    ids: Mapping[str, Sequence[str]]  # names of the images, by level; absent where their order tells
    kind: str  # folder, npz, array
    sha256: str

    @property
    def side(self) -> int:
        """Of the images, in pixels. Raises InputError where they are no squares of one size."""
        shapes = {images.shape[-2:] for images in self.by_level.values()}
        height, width = min(shapes)
        if len(shapes) > 1 or height != width:
            found = ", ".join(f"{h}x{w}" for h, w in sorted(shapes))
            raise InputError(
                f"the restored images have {found} pixels, expected squares of one size; mend them"
            )
        return int(height)

    def answers(self, asked: Questions) -> dict[float, np.ndarray]:
        """Level -> uint8 (n, samples, H, W), an image for each question in the order of the questions.

        Raises:
            InputError: a level is missing or unknown, or its images are not those of the questions.
        """
        names = {level: level_name(level) for level in asked.levels}
        if len(names) == 1 and set(self.by_level) == {ONLY}:
            names = dict.fromkeys(names, ONLY)
        if set(self.by_level) != set(names.values()):
            found = ", ".join(sorted(self.by_level)).strip() or "no level"
            raise InputError(
                f"restored images of {found} were found, expected {', '.join(names.values())}; give each level a "
                "folder or an array of that name"
            )
        found = {level: self._in_order(name, asked) for level, name in names.items()}
        if len({images.shape[1] for images in found.values()}) > 1:
            raise InputError(
                "the levels have different numbers of samples, expected as many of each; save one or four"
            )
        return found

    def _in_order(self, level: str, asked: Questions) -> np.ndarray:
        images, ids = self.by_level[level], self.ids.get(level)
        at = f" at {level}" if level else ""
        if ids is None:
            if len(images) != len(asked.ids):
                raise InputError(
                    f"{len(images)} restored images were found{at}, expected {len(asked.ids)}, one for each question "
                    f"in their order; {ADVICE}"
                )
            return images
        place = {name: i for i, name in enumerate(ids)}
        missing = [name for name in asked.ids if name not in place]
        extra = [name for name in ids if name not in set(asked.ids)]
        if len(missing) == len(asked.ids):
            raise InputError(
                f"none of the {len(ids)} restored images{at} is named after a question ({some(ids)}), expected names "
                f"such as {asked.ids[0]}; {ADVICE}"
            )
        if missing or extra:
            told = [f"{len(missing)} are missing ({some(missing)})"] if missing else []
            told += [f"{len(extra)} are of no question ({some(extra)})"] if extra else []
            raise InputError(
                f"of the restored images{at} {' and '.join(told)}, expected one for each of {len(asked.ids)} "
                "questions; restore those that `mribench questions` writes"
            )
        return images[[place[name] for name in asked.ids]]


def read(given: Any) -> Restored:
    """Restored images of every level.

    Args:
        given: a folder with ``level_L/ID.png`` for each level; an NPZ with arrays ``level_L`` and, where they are not
            in the order of the questions, ``ids``; or a mapping of levels to arrays. An array is (n, H, W), or
            (n, 4, H, W) for four samples of each answer. Of a task with one level the images may lie in the folder
            itself, and the array may be called ``images``.

    Raises:
        InputError: in one sentence; what was found, what was expected, what to do.
    """
    if isinstance(given, str | Path):
        path = Path(given).expanduser()
        if not path.exists():
            raise InputError(f"{str(given)!r} is no file or folder, expected restored images; check the path")
        return _archive(path) if path.is_file() else _folder(path)
    arrays = given if isinstance(given, Mapping) else {ONLY: given}
    named = {name if isinstance(name, str) else level_name(name): array for name, array in arrays.items()}
    return _of_arrays(named, {}, "array", None)


def _archive(path: Path) -> Restored:
    arrays = stored_images.arrays(path)
    ids = arrays.pop(IDS, None)
    if "images" in arrays:
        arrays[ONLY] = arrays.pop("images")
    names = {} if ids is None else {level: [str(name) for name in ids] for level in arrays}
    for level, known in names.items():
        if len(known) != len(arrays[level]) or len(set(known)) != len(known):
            raise InputError(
                f"{path.name} has {len(set(known))} different ids and {len(arrays[level])} images, expected one of "
                "each; save them as they were asked"
            )
    return _of_arrays(arrays, names, "npz", hashing.file_sha256(path))


def _folder(path: Path) -> Restored:
    levels = {inner.name: inner for inner in sorted(path.iterdir()) if inner.name.startswith("level_")}
    found = {name: stored_images.by_name(folder) for name, folder in (levels or {ONLY: path}).items()}
    arrays = {level: np.stack([*images.values()]) for level, images in found.items()}
    ids = {level: [*images] for level, images in found.items()}
    return _of_arrays(arrays, ids, "folder", None)


def _of_arrays(
    arrays: Mapping[str, Any], ids: Mapping[str, Sequence[str]], kind: str, sha256: str | None
) -> Restored:
    if not arrays:
        raise InputError("no restored images were given, expected an array for each level; give them")
    images = {level: _samples(array, level or "the array") for level, array in arrays.items()}
    return Restored(images, ids, kind, sha256 or hashing.arrays_sha256(images))


def _samples(array: Any, name: str) -> np.ndarray:
    """uint8 (n, samples, H, W)."""
    shape = tuple(array.shape)
    if len(shape) == 4 and shape[1] == SAMPLES and shape[3] != 1:
        return grey_images(array.reshape(-1, *shape[2:]), name).reshape(shape)
    return grey_images(array, name)[:, None]
