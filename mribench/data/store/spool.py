"""Slices are kept on the disk, and not in memory, until it is known which of them are taken."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np


class Spooled:
    """One uint8 image on the disk; ``np.asarray`` reads it."""

    __slots__ = ("_at", "_shape", "_spool")

    def __init__(self, spool: Spool, at: int, shape: tuple[int, int]) -> None:
        self._spool, self._at, self._shape = spool, at, shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        image = self._spool.read(self._at, self._shape)
        return image if dtype is None else image.astype(dtype)

    def tobytes(self) -> bytes:
        return self.__array__().tobytes()


class Spool:
    """A nameless file that only grows; the system removes it with its process, however that ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # beside the result and not in /tmp, which is memory on many machines
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._end = 0

    def add(self, image: np.ndarray) -> Spooled:
        """Put a uint8 (H, W) image on the disk."""
        spooled = Spooled(self, self._end, image.shape)
        self._end += self._file.write(np.ascontiguousarray(image, dtype=np.uint8).data)
        return spooled

    def read(self, at: int, shape: tuple[int, int]) -> np.ndarray:
        """The image that starts at a byte."""
        self._file.flush()
        raw = os.pread(self._file.fileno(), shape[0] * shape[1], at)
        return np.frombuffer(bytearray(raw), dtype=np.uint8).reshape(shape)
