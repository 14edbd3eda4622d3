"""JSON compared with a schema; what does not fit is one sentence that names field, found and expected."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import Struct

from mribench.errors import InputError
from mribench.results.schema.values import CHOICES, short

# what is nested more deeply cannot be copied or printed by all that does so
DEEPEST = 16
TOO_DEEP = f"it is nested too deeply, expected at most {DEEPEST} levels"


def check(value: Any, kind: type[Struct]) -> None:
    """Raises ValueError in one line: the field, what was found there, what was expected."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(_sentence(error, value, kind)) from error


def read(path: Path, kind: type[Struct], advice: str) -> dict[str, Any]:
    """The JSON object of a file. Raises InputError, which names file and field and ends with ``advice``."""
    try:
        value: dict[str, Any] = decode(path.read_bytes())
        check(value, kind)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: {error}; {advice}") from error
    return value


def decode(content: bytes | str) -> Any:
    """JSON. Raises ValueError where it is none, holds NaN or Infinity, or is nested more than ``DEEPEST`` levels."""
    try:
        value = msgspec.json.decode(content)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # the standard library reads on, so that the field can be named
        for field, part in _leaves(json.loads(content), "it"):
            if isinstance(part, float) and not math.isfinite(part):
                raise ValueError(f"{field} is {part}, expected a finite number") from error
        raise
    _check_depth([value], DEEPEST)
    return value


def _check_depth(value: dict[str, Any] | list[Any], left: int) -> None:
    if left < 0:
        raise ValueError(TOO_DEEP)
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, dict | list):
            _check_depth(part, left - 1)


def _leaves(value: Any, field: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{field}.{key}".removeprefix("it."))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from _leaves(part, f"{field}[{i}]")
    else:
        yield field, value


def _sentence(error: msgspec.ValidationError, value: Any, kind: Any) -> str:
    """'scores[0].n is -4, expected int >= 0' out of msgspec's 'Expected `int` >= 0 - at `$.scores[0].n`'."""
    text, _, where = str(error).partition(" - at `")
    steps = list(_steps(where.rpartition("$")[2].rstrip("`"), value, kind))
    field = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).removeprefix(".") or "it"
    found = _at(value, steps)
    if where.startswith("key`"):
        field, found = f"a key of {field}", sorted(map(str, found), key=len)[-1]
    if lacking := re.search(r"missing required field `(.*)`", text):
        return f"{field}.{lacking[1]} is missing".removeprefix("it.")
    if text.startswith("Invalid enum value"):
        text = f"Expected one of {', '.join(get_args(CHOICES[str(steps[-1])]))}"
    if not text.startswith("Expected"):
        return text if field == "it" else f"{field}: {text}"
    expected = re.sub(r"`str` matching regex .*", "a plain name", text.removeprefix("Expected "))
    return f"{field} is {short(found)}, expected {expected.partition(', got ')[0].replace('`', '')}"


def _steps(path: str, value: Any, kind: Any) -> Iterator[str | int]:
    """The keys and indices of a path as msgspec writes it, '.floor[...].n'; it leaves out the keys of mappings."""
    done: list[str | int] = []
    for name, index in re.findall(r"\.(\w+)|\[(\d+|\.\.\.)\]", path):
        step = name or index
        if index.isdecimal():
            step = int(index)
        elif index:
            items = _at(value, done).items()
            step = next(k for k, v in items if not _passes(_replaced(value, done, {k: v}), kind))
        done.append(step)
        yield step


def _at(value: Any, steps: list[str | int]) -> Any:
    for step in steps:
        value = value[step]
    return value


def _replaced(value: Any, steps: list[str | int], new: Any) -> Any:
    """A copy with ``new`` at a path."""
    if not steps:
        return new
    first, *rest = steps
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    made = {k: _replaced(v, rest, new) if k == first else v for k, v in items}
    return made if isinstance(value, Mapping) else list(made.values())


def _passes(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True
