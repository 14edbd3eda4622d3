"""Weights of a network on patches under the names of the U-Net inside it, and back, to the byte.

A safetensors file is a length, a JSON header and the tensors. Only names in the header change, so the file that a
record's sha256 is of can be made again from the published one.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mribench import files
from mribench.hub.leak_scan import tensor_index

ALIGNMENT = 8  # bytes: headers are padded with spaces


def is_reversible(path: Path) -> bool:
    """Whether the header is as safetensors writes it, so that it can be made again from its content."""
    header = _header(path)
    return header == _encoded(json.loads(header))


def rename(source: Path, target: Path, name: Callable[[str], str]) -> None:
    """Copy a safetensors file; each tensor gets the name that ``name`` makes of its own.

    Raises InputError where ``source`` is no such file, or holds more than tensors.
    """
    index = tensor_index(source, source.name)
    header = _encoded({key if key == "__metadata__" else name(key): entry for key, entry in index.items()})
    target.parent.mkdir(parents=True, exist_ok=True)
    with files.new_file(target) as temporary, open(source, "rb") as old, open(temporary, "wb") as new:
        new.write(struct.pack("<Q", len(header)) + header)
        old.seek(8 + len(_header(source)))
        shutil.copyfileobj(old, new)


def _header(path: Path) -> bytes:
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return file.read(length)


def _encoded(index: dict[str, Any]) -> bytes:
    text = json.dumps(index, separators=(",", ":"), ensure_ascii=False).encode()
    return text + b" " * (-len(text) % ALIGNMENT)
