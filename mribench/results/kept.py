"""The records of a kept board: a file of zstd-compressed JSON lines for each organ.

The first line is the header. Then, a line each, the parts that records share: floors, data, metrics, profile and so
on. Then a line for each record, in the order of ``sort_key``, which refers to shared parts by their number.

Text, and not parquet: the lists hold five significant digits, which compress to less as text than as float32 (0.80
and 0.97 MB of a board of 324 records), and ``zstd -dc`` shows every number of a record on a line of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mribench import files
from mribench.errors import InputError
from mribench.results import schema
from mribench.results.record import LISTS, SCHEMA, Result, from_json, sort_key, to_json

FOLDER, SUFFIX = "records", ".jsonl.zst"
ONE_FILE = "records.jsonl.zst"  # boards of earlier versions kept all organs in it
FORMAT, VERSION = "mribench records", 1
# numbers in lists keep the precision of float32; values and intervals keep float64
DIGITS = 8
# parts of a record, and of its provenance, that many records of a board have in common
SHARED = (
    "comparability",
    "data",
    "expected",
    "floor",
    "metrics",
    "reported",
    "reported_table",
    "spaces",
    "versions",
)
SHARED_PROVENANCE = ("machine", "plugins", "profile", "spec", "versions")
# what differs from record to record in a list of scores; the rest of it is shared
NUMBERS = ("value", "low", "high", *LISTS)


def path_of(board: Path, modality: str) -> Path:
    """records/<modality>.jsonl.zst."""
    return board / FOLDER / f"{modality}{SUFFIX}"


def paths(board: Path) -> list[Path]:
    """The records files that a folder has; none where it is no kept board."""
    found = sorted(p for p in (board / FOLDER).glob(f"*{SUFFIX}") if not p.name.startswith("."))
    return found + [board / ONE_FILE] * (board / ONE_FILE).is_file()


def board_of(path: Path) -> Path:
    """The folder of the board that a records file belongs to."""
    return path.parent.parent if path.parent.name == FOLDER else path.parent


def rounded(result: Result) -> Result:
    """As a kept board holds it: lists at the precision of float32."""

    def shorter(numbers: Iterable[float]) -> tuple[float, ...]:
        return tuple(float(f"{x:.{DIGITS}g}") for x in numbers)

    scores = (
        replace(s, per_subject=shorter(s.per_subject), subsamples=shorter(s.subsamples))
        for s in result.scores
    )
    return replace(result, scores=tuple(scores))


def write(path: Path, results: Iterable[Result]) -> None:
    """The same results give the same bytes, whatever order they come in."""
    shared: dict[str, int] = {}
    lines = [_line(_split(to_json(rounded(result)), shared)) for result in sorted(results, key=sort_key)]
    body = [*shared, *lines]
    header = {
        "format": FORMAT,
        "version": VERSION,
        "schema": SCHEMA,
        "shared": len(shared),
        "records": len(lines),
        "sha256": _digest(body),
    }
    files.write_lines(path, [_line(header), *body])


def read(path: Path, refused: list[str] | None = None) -> list[Result]:
    """The records of a file.

    Args:
        path: The file.
        refused: Takes in one sentence for each record that cannot be read and is left out. None: such a record is an
            InputError.

    Raises:
        InputError: The file is no records file, is damaged, or was edited.
    """
    try:
        first, *body = files.read_lines(path)
        header = schema.decode(first)
        if header["format"] != FORMAT:
            raise ValueError("another format")
        known = header["version"] == VERSION and header["schema"] == SCHEMA
        if known:
            records = _records(header, body)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise InputError(
            f"{path} is not a records file of mribench ({cause}); fetch it again, or make it again with "
            "`mribench leaderboard RUN --out FOLDER`"
        ) from error
    if not known:
        raise InputError(
            f"{path} has version {header['version']} and result schema {header['schema']}, expected {VERSION} and "
            f"{SCHEMA}; update mribench"
        )
    found = []
    for number, record in enumerate(records, start=1):
        try:
            found.append(from_json(_joined(*record)))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            sentence = (
                f"{path}: record {number} of {len(records)} is not a mribench result ({error}); make it again"
            )
            if refused is None:
                raise InputError(sentence) from error
            refused.append(sentence)
    return found


def _records(header: Mapping[str, Any], body: list[str]) -> list[tuple[dict[str, Any], list[Any]]]:
    """Each record as it is in the file, with the parts that it shares. Raises ValueError where a line was changed."""
    if len(body) != header["shared"] + header["records"] or _digest(body) != header["sha256"]:
        raise ValueError("its lines were changed after it was written")
    shared = list(map(schema.decode, body[: header["shared"]]))
    return [(schema.decode(line), shared) for line in body[header["shared"] :]]


def _split(record: dict[str, Any], shared: dict[str, int]) -> dict[str, Any]:
    """The record with numbers of shared parts in their place; ``shared``, JSON -> number, takes in new ones."""

    def number(part: Any) -> int | None:
        return None if part is None else shared.setdefault(_line(part), len(shared))

    def numbered(whole: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        return {**whole, **{name: number(whole[name]) for name in names if name in whole}}

    columns = {name: [score[name] for score in record["scores"]] for name in NUMBERS}
    measured = [{k: v for k, v in score.items() if k not in NUMBERS} for score in record["scores"]]
    provenance = numbered(record["provenance"], SHARED_PROVENANCE)
    return numbered(record, SHARED) | {
        "provenance": provenance,
        "scores": number(measured),
        "numbers": columns,
    }


def _joined(line: dict[str, Any], shared: list[Any]) -> dict[str, Any]:
    """The reverse of ``_split``."""

    def whole(part: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
        found = {name: part[name] for name in names if part.get(name) is not None}
        return {**part, **{name: shared[number] for name, number in found.items()}}

    record = whole(line, (*SHARED, "scores"))
    columns = record.pop("numbers")
    rows = zip(*columns.values(), strict=True)
    scores = [
        {**measured, **dict(zip(columns, row, strict=True))}
        for measured, row in zip(record["scores"], rows, strict=True)
    ]
    return record | {"scores": scores, "provenance": whole(line["provenance"], SHARED_PROVENANCE)}


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
