"""Generated images on disk: a folder of PNG, TIFF or NIfTI, an NPZ or NPY file, or a Hugging Face dataset.

Images are taken as they are: grey, one channel, uint8 or float in [0, 1]. Nothing is resized, windowed or converted.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mribench import hashing
from mribench.data.readers.image import DAMAGE
from mribench.data.readers.nifti import read_nifti
from mribench.errors import InputError
from mribench.sampling.pretrained import TO_GREY, grey_images

PILLOW = (".png", ".tif", ".tiff")
NIFTI = (".nii", ".nii.gz")
LOSSY = (".jpg", ".jpeg", ".webp")
ARRAYS = (".npz", ".npy")
# what ``Dataset.save_to_disk`` and ``DatasetDict.save_to_disk`` write
DATASET, DATASET_DICT = "dataset_info.json", "dataset_dict.json"
MAX_NAMED = 3  # files in one message


class Stored(NamedTuple):
    """Images as they were found."""

    images: np.ndarray  # uint8 (N, H, W)
    kind: str  # folder, npz, dataset
    sha256: str  # over the contents of the files, whatever their names


def read(path: Path) -> Stored:
    """All images of a file or folder, in the natural order of their names.

    Raises:
        InputError: nothing to read, several sizes, colour, other integers than uint8, or values outside [0, 1].
    """
    if path.is_dir() and ((path / DATASET).is_file() or (path / DATASET_DICT).is_file()):
        return Stored(_dataset(path), "dataset", _sha256(path.rglob("*.arrow")))
    if path.name.lower().endswith(ARRAYS):
        return Stored(grey_images(_array(path), path.name), "npz", hashing.file_sha256(path))
    files = _image_files(path)
    return Stored(_of_one_size(files), "folder", _sha256(files))


def by_name(folder: Path) -> dict[str, np.ndarray]:
    """Name of the file without its suffix -> uint8 (H, W), of PNG and TIFF files of one size.

    Raises:
        InputError: as ``read``, and for two files of one name or a file of several images.
    """
    found: dict[str, np.ndarray] = {}
    for file in _image_files(folder):
        image = _of_one_size([file])
        if len(image) > 1 or file.stem in found:
            raise InputError(
                f"{file.name} holds {len(image)} images, or another file has its name; expected one file for each image"
            )
        found[file.stem] = image[0]
    if len(sizes := {image.shape for image in found.values()}) > 1:
        told = ", ".join(f"{height}x{width}" for height, width in sorted(sizes))
        raise InputError(f"the images of {folder.name} have sizes {told}, expected one; mend them")
    return found


def _image_files(path: Path) -> list[Path]:
    inside = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    found = [path] if path.is_file() else list(inside)
    shown = [file for file in found if not file.name.startswith(".")]
    files = [file for file in shown if file.name.lower().endswith((*PILLOW, *NIFTI))]
    lossy = [file.name for file in shown if file.name.lower().endswith(LOSSY)]
    if lossy:
        raise InputError(
            f"{some(lossy)} of {path.name}: JPEG changes the texture that is scored, expected PNG, TIFF or NIfTI; "
            "save the samples as PNG"
        )
    if not files:
        raise InputError(
            f"{path.name} holds no samples, expected PNG, TIFF or NIfTI files, an NPZ, a dataset of datasets, or a "
            "diffusers pipeline; check the path"
        )
    return sorted(files, key=lambda file: _natural(file.as_posix()))


def _natural(name: str) -> list[Any]:
    """Sorts sample_2 before sample_10."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))]


def _of_one_size(files: list[Path]) -> np.ndarray:
    """uint8 (N, H, W). What is wrong is said of all files at once."""
    images, colour = [], []
    for file in files:
        pages = _nifti(file) if file.name.lower().endswith(NIFTI) else _pillow(file)
        if pages is None:
            colour.append(file.name)
        else:
            images.append(grey_images(pages, file.name))
    if colour:
        raise InputError(
            f"{some(colour)}: {len(colour)} of {len(files)} files are in colour, expected grey; {TO_GREY}"
        )
    sizes = {pages.shape[1:] for pages in images}
    if len(sizes) > 1:
        found = ", ".join(f"{height}x{width}" for height, width in sorted(sizes))
        raise InputError(f"the samples have sizes {found}, expected one; score each size by itself")
    return np.concatenate(images)


def _pillow(file: Path) -> np.ndarray | None:
    """(pages, H, W) in the file's own type; None for colour."""
    from PIL import Image, ImageSequence

    try:
        with Image.open(file) as image:
            pages = [(page.mode, np.asarray(page)) for page in ImageSequence.Iterator(image)]
    except DAMAGE as error:
        raise InputError(f"{file.name} is no image, or is cut off ({error}); write it again") from error
    if not all(mode in ("L", "F") or mode.startswith("I") for mode, _ in pages):
        return None
    if len({array.shape for _, array in pages}) > 1:
        raise InputError(f"{file.name} has pages of different sizes, expected one; save each size by itself")
    return np.stack([array for _, array in pages])


def _nifti(file: Path) -> np.ndarray:
    """(slices, H, W), turned as ``mribench`` turns the real ones."""
    import nibabel as nib

    found = read_nifti(file, file.name)  # raises DataError for what is damaged
    header = nib.load(file).header
    if any(n > 1 for n in header.get_data_shape()[3:]):
        raise InputError(
            f"{file.name} has {header.get_data_shape()} voxels, expected 3-D; save each frame by itself"
        )
    stored, pixels = header.get_data_dtype(), found.pixels
    # an 8-bit file whose slope makes [0, 1] of it has fractions
    return pixels.astype(stored) if stored.kind in "ui" and (pixels == np.rint(pixels)).all() else pixels


def _array(path: Path) -> np.ndarray:
    """The array ``images``, or the only one, of an NPZ or NPY file."""
    found = arrays(path)
    name = "images" if "images" in found else next(iter(found)) if len(found) == 1 else None
    if name is None:
        raise InputError(
            f"{path.name} holds the arrays {', '.join(found)}, expected images; call the samples so"
        )
    return found[name]


def arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an NPZ file by name; that of an NPY file is called ``images``. Raises InputError."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"images": loaded}
        with loaded as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, MemoryError, LookupError, zipfile.BadZipFile, zlib.error) as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path.name} cannot be read as an array ({cause}); save it with numpy.savez(path, images=images)"
        ) from error


def _dataset(path: Path) -> np.ndarray:
    """uint8 (N, H, W) of the column of images."""
    import datasets

    loaded = datasets.load_from_disk(str(path))
    if isinstance(loaded, datasets.DatasetDict):
        if len(loaded) != 1:
            raise InputError(
                f"{path.name} has the splits {', '.join(loaded)}, expected one; give the folder of one of them"
            )
        (loaded,) = loaded.values()
    columns = [name for name, feature in loaded.features.items() if isinstance(feature, datasets.Image)]
    column = next(
        (name for name in ("image", "images") if name in loaded.features), columns[0] if columns else None
    )
    if column is None:
        raise InputError(
            f"{path.name} has the columns {', '.join(loaded.features)}, expected image; rename it"
        )
    rows = [np.asarray(value) for value in loaded.with_format(None)[column]]
    if len({row.shape for row in rows}) != 1:
        raise InputError(
            f"{path.name} holds images of several sizes or kinds, expected one; score each by itself"
        )
    made = np.stack(rows)
    # lists of numbers come back as Python's, which know no type
    return grey_images(
        made.astype(np.uint8) if made.dtype.kind == "i" and _is_8_bit(made) else made, path.name
    )


def _is_8_bit(values: np.ndarray) -> bool:
    return bool(values.size and values.min() >= 0 and 1 < values.max() <= 255)


def _sha256(files: Iterable[Path]) -> str:
    return hashing.json_sha256(sorted(map(hashing.file_sha256, files)))


def some(names: Sequence[str]) -> str:
    """'a.png, b.png, c.png and 9 more'."""
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
