"""The last guard: every byte of a folder that is about to leave is of a known kind and without a trace."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mribench import files
from mribench.errors import InputError
from mribench.hub.traces import SHORTEST_NUMBER, Traces
from mribench.results import RECORDS

TEXT = (".md", ".csv", ".yaml", "SHA256SUMS")
# what a picture needs, and nothing that could carry words
PNG_CHUNKS = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
LARGEST_HEADER = 100 << 20


def check(folder: Path, traces: Traces) -> None:
    """Raise InputError, naming file and kind but not the trace, where anything in ``folder`` must not leave."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise InputError(f"{name} is a link or a device and no file; nothing was sent")
        for part in path.relative_to(folder).parts:
            _refuse(traces.cleaned(name), traces.found(part))
        if path.is_file():
            for text in _texts(path, name):
                _refuse(name, traces.found(text))


def _refuse(name: str, kinds: list[str]) -> None:
    if kinds:
        raise InputError(
            f"{name} holds a {' and a '.join(kinds)} that must not leave this machine; nothing was sent, take it out "
            "of what the file was made from (a name, a plugin's text) or report it"
        )


def _texts(path: Path, name: str) -> Iterator[str]:
    """Every text that a file holds. Raises InputError for a file of another kind, or with room for more."""
    if path.suffix == ".json":
        yield from _leaves(json.loads(path.read_text()))
    elif path.name == RECORDS:
        for line in files.read_lines(path):
            yield from _leaves(json.loads(line))
    elif path.suffix == ".safetensors":
        # its numbers are sizes and places of tensors
        yield from (leaf for leaf in _leaves(header(path, name)) if not leaf.isdecimal())
    elif path.suffix == ".png":
        _check_png(path.read_bytes(), name)
    elif path.name.endswith(TEXT):
        yield from path.read_text().splitlines()
    else:
        raise InputError(f"{name} is no kind of file that mribench shares; nothing was sent")


def header(path: Path, name: str) -> dict[str, Any]:
    """The JSON header of a safetensors file: tensors and nothing else, and the file ends where they end.

    Raises InputError for metadata beside the format, and for bytes that belong to no tensor.
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise InputError(f"{name} is no safetensors file; nothing was sent")
        found = json.loads(file.read(length))
    metadata = found.get("__metadata__", {})
    spans = sorted(about["data_offsets"] for tensor, about in found.items() if tensor != "__metadata__")
    ends = [0, *(end for _, end in spans)]
    more = ", ".join(sorted(set(metadata) - {"format"}))
    if more or [start for start, _ in spans] != ends[:-1] or ends[-1] != size - 8 - length:
        raise InputError(
            f"{name} carries more than its tensors ({more or 'bytes of no tensor'}); nothing was sent, "
            "save the weights with diffusers' save_pretrained alone"
        )
    return found


def _check_png(content: bytes, name: str) -> None:
    at, ended = len(PNG_HEAD), False
    while content.startswith(PNG_HEAD) and at + 12 <= len(content) and not ended:
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        if kind not in PNG_CHUNKS:
            break
        at, ended = at + 12 + length, kind == b"IEND"
    if not ended or at != len(content):
        raise InputError(f"{name} holds more than pixels; nothing was sent")


def _leaves(value: Any) -> Iterator[str]:
    """Every string of a JSON value, keys too, and every whole number that is long enough to be somebody's."""
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
