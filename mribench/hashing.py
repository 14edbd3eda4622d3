"""Hashes that name things: JSON values and files; ``code_hash`` hashes code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def json_hash(value: Any) -> str:
    """12 hex digits that name a JSON-serialisable value: the name of the folder made from it."""
    return json_sha256(value)[:12]


def json_sha256(value: Any) -> str:
    """64 hex digits over a JSON-serialisable value, whatever the order of its keys."""
    canonical = json.dumps(value, sort_keys=True, allow_nan=False, default=list)
    return hashlib.sha256(canonical.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """64 hex digits over the bytes of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_md5(path: Path) -> str:
    """32 hex digits over the bytes of a file: finds accidents, proves nothing against an attacker."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def arrays_sha256(arrays: Mapping[str, np.ndarray]) -> str:
    """64 hex digits over names, dtypes, shapes and values of arrays, whatever order, file or machine they are in."""
    content = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        little_endian = array.dtype.newbyteorder("<")
        content.update(json.dumps([name, little_endian.str, array.shape]).encode())
        content.update(array.astype(little_endian, copy=False).tobytes())
    return content.hexdigest()
