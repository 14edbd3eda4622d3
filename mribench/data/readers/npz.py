"""NPZ reader: `images` (N, H, W) or (N, H, W, 1 or 3), `subject` (N,), optional `source` (N,)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mribench.data.readers.image import luminance
from mribench.errors import DataError
from mribench.spec import ImageFile, Reader, Volume

# what numpy and zipfile raise for an archive that is cut off, altered, encrypted or full of objects; MemoryError: a
# header claims more numbers than any machine holds
DAMAGE = (OSError, ValueError, EOFError, LookupError, AttributeError, RuntimeError, MemoryError)
DAMAGE += (zipfile.BadZipFile, zlib.error)


def read_npz(path: Path) -> Iterator[Volume]:
    """Yield one Volume per (subject, source) pair, in file order.

    Raises DataError where an array is missing, of the wrong shape or kind, or would need unpickling.
    """
    arrays = _arrays(path)
    images = _grey(arrays["images"], path)
    subjects = _labels(arrays["subject"], len(images), "subject", path)
    sources = (
        _labels(arrays["source"], len(images), "source", path) if "source" in arrays else [""] * len(images)
    )
    rows: dict[tuple[str, str], list[int]] = {}
    for row, pair in enumerate(zip(subjects, sources, strict=True)):
        rows.setdefault(pair, []).append(row)
    for (subject, source), indices in rows.items():
        pixels = images[indices].astype(np.float32)
        yield Volume(subject, pixels, None, source or path.name)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {
                name: archive[name] for name in ("images", "subject", "source") if name in archive.files
            }
            found = sorted(archive.files)
    except DAMAGE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{path.name} cannot be read as NPZ ({reason}); save plain arrays, no objects, with numpy.savez."
        ) from error
    missing = [name for name in ("images", "subject") if name not in arrays]
    if missing:
        raise DataError(
            f"{path.name} holds {found} but no {' and no '.join(missing)}; "
            "save images (N, H, W) and subject (N,)."
        )
    return arrays


def _grey(images: np.ndarray, path: Path) -> np.ndarray:
    if images.dtype.kind not in "uif":
        raise DataError(f"{path.name}: images has dtype {images.dtype}; save it as integers or floats.")
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim == 4 and images.shape[-1] == 3:
        images = luminance(images)
    if images.ndim != 3 or len(images) == 0:
        raise DataError(
            f"{path.name}: images has shape {images.shape}; "
            "expected (N, H, W), (N, H, W, 1) or (N, H, W, 3) with N > 0."
        )
    return images


def _labels(values: np.ndarray, n: int, name: str, path: Path) -> list[str]:
    if values.shape != (n,):
        raise DataError(f"{path.name}: {name} has shape {values.shape}; expected ({n},), one per image.")
    labels = [str(value).strip() for value in values.tolist()]
    if name == "subject" and not all(labels):
        raise DataError(
            f"{path.name}: image {labels.index('')} has an empty subject; give every image its subject."
        )
    return labels


def _read(files: Sequence[ImageFile], subject: str) -> Iterator[Volume]:
    for file in files:
        yield from read_npz(file.path)


def _example(folder: Path) -> None:
    images = np.arange(4 * 10 * 12, dtype=np.uint16).reshape(4, 10, 12)
    np.savez(folder / "example.npz", images=images, subject=["a", "a", "b", "b"])


NPZ = Reader(
    name="npz",
    title="NPZ",
    suffixes=(".npz",),
    read=_read,
    names_subjects=True,
    example=_example,
)
