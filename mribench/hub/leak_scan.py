"""The last guard: every file of a folder that is about to leave is of a known kind and holds no trace."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mribench import files
from mribench.errors import InputError
from mribench.hub.redaction import SHORTEST_NUMBER, Redactor
from mribench.results import kept

TEXT_SUFFIXES = (".md", ".csv", ".yaml", "SHA256SUMS")
# what a picture needs; other chunks could carry text
PNG_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# the one file of code that a repository may hold
PIPELINE = Path(__file__).with_name("pipeline.py")
LARGEST_HEADER = 100 << 20  # bytes, of a safetensors file


def scan(folder: Path, redactor: Redactor) -> None:
    """Raise InputError, naming file and kind but not the trace, where anything in ``folder`` must not leave."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise InputError(f"{name} is a link or a device and no file; nothing was sent")
        for part in path.relative_to(folder).parts:
            _refuse(redactor.redact(name), redactor.kinds_in(part))
        if path.is_file():
            for text in _texts(path, name):
                _refuse(name, redactor.kinds_in(text))


def _refuse(name: str, kinds: list[str]) -> None:
    if kinds:
        raise InputError(
            f"{name} holds a {' and a '.join(kinds)} that must not leave this machine; nothing was sent, take it out "
            "of what the file was made from (a name, a plugin's text) or report it"
        )


def _texts(path: Path, name: str) -> Iterator[str]:
    """Every text in a file. Raises InputError for a file of another kind, or one that could hold more."""
    if path.suffix == ".json":
        yield from _leaves(json.loads(path.read_text()))
    elif path.name.endswith(kept.SUFFIX):
        for line in files.read_lines(path):
            yield from _leaves(json.loads(line))
    elif path.suffix == ".safetensors":
        # its numbers are sizes and offsets of tensors
        yield from (leaf for leaf in _leaves(tensor_index(path, name)) if not leaf.isdecimal())
    elif path.suffix == ".png":
        _check_png(path.read_bytes(), name)
    elif name == PIPELINE.name and path.read_bytes() == PIPELINE.read_bytes():
        return  # our own code, as it is shipped
    elif path.name.endswith(TEXT_SUFFIXES):
        yield from path.read_text().splitlines()
    else:
        raise InputError(f"{name} is no kind of file that mribench shares; nothing was sent")


def tensor_index(path: Path, name: str) -> dict[str, Any]:
    """The JSON header of a safetensors file that holds tensors and nothing else.

    Raises InputError for another file, for metadata other than the format, and for bytes that belong to no tensor.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        # the format: the length of the header in 8 bytes, little-endian, the header as JSON, the tensors
        (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
        text = file.read(length) if length <= min(LARGEST_HEADER, size - 8) else b""
    try:
        index = json.loads(text)
        more = ", ".join(sorted(set(index.get("__metadata__", {})) - {"format"}))
        spans = sorted(entry["data_offsets"] for tensor, entry in index.items() if tensor != "__metadata__")
        ends = [0, *(end for _, end in spans)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{name} is no safetensors file; save the weights with diffusers' save_pretrained"
        ) from error
    if more or [start for start, _ in spans] != ends[:-1] or ends[-1] != size - 8 - length:
        raise InputError(
            f"{name} carries more than its tensors ({more or 'bytes of no tensor'}); save the weights with "
            "diffusers' save_pretrained alone"
        )
    return index


def _check_png(content: bytes, name: str) -> None:
    offset, ended = len(PNG_SIGNATURE), False
    while content.startswith(PNG_SIGNATURE) and offset + 12 <= len(content) and not ended:
        length, kind = struct.unpack(">I4s", content[offset : offset + 8])
        if kind not in PNG_CHUNKS:
            break
        # each chunk has 12 bytes beside its content: length, kind, checksum
        offset, ended = offset + 12 + length, kind == b"IEND"
    if not ended or offset != len(content):
        raise InputError(f"{name} holds more than pixels; nothing was sent")


def _leaves(value: Any) -> Iterator[str]:
    """Every string of a JSON value, keys too, and every whole number long enough to be a subject's id."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int) and len(str(value)) >= SHORTEST_NUMBER:
        yield str(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
