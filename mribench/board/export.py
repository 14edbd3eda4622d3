"""Boards as CSV and JSON. Every number carries its interval, n and seeds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mribench.board.boards import Board
from mribench.board.columns import HALVES, REAL_TRAIN, floor_entry, halves_entry
from mribench.board.control_checks import violations
from mribench.board.ranks import Standing, standings, why_unranked
from mribench.board.rows import Entry, Row

BOARD = ("board", "modality", "data", "profile", "invalid")
ROW = ("variant", "variant_version", "sampler", "sampler_version", "kind")
PLACE = ("control", "rank_best", "rank_worst", "at_floor", "unranked", "audit")
ADDRESS = ("metric", "space", "level")
OF_A_NUMBER = 5  # how deep: boards, board, rows, row, scores
COUNTS = ("value", "spread", "low", "high", "seeds", "n", "n_reference", "subjects", "reason")


def csv_text(boards: Sequence[Board]) -> str:
    """Long form: one line per board, row, metric, space and level."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*BOARD, *ROW, *PLACE, *ADDRESS, *COUNTS])
    for index, board in enumerate(boards, start=1):
        c, places = board.comparability, standings(board)
        about = [index, board.modality, c["data"], c["profile"], "; ".join(violations(board))]
        for row in board.rows:
            named = [row.variant, row.versions[0], row.sampler, row.versions[1] if row.sampler else None]
            place = places[row.name]
            placed = [
                int(row.is_control),
                place.best,
                place.worst,
                int(place.at_floor),
                place.reason,
                row.audit,
            ]
            kind = "control" if row.is_control else "trained"
            for address, entry in row.entries.items():
                writer.writerow([*about, *named, kind, *placed, *address, *_numbers(entry)])
        for address in board.addresses:
            floor = board.floor_of(address)
            for name, entry in ((REAL_TRAIN, floor_entry), (HALVES, halves_entry)):
                if found := entry(floor, board):
                    nothing = [None] * len(PLACE)
                    named = [name, None, None, None, "real"]
                    writer.writerow([*about, *named, *nothing, *address, *_numbers(found)])
    return buffer.getvalue()


def _numbers(entry: Entry) -> list[Any]:
    values = asdict(entry) | {"seeds": " ".join(map(str, entry.seeds))}
    return [values[name] for name in COUNTS]


def json_text(boards: Sequence[Board]) -> str:
    """Boards with their comparability fields, rows, ranks, floor and numbers; a line for each number."""
    return _laid_out([_board(board) for board in boards]) + "\n"


def _laid_out(value: Any, depth: int = 0) -> str:
    """JSON as ``json.dumps`` indents it, but a number of a row, and whatever holds plain values alone, on one line."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if depth == OF_A_NUMBER or not any(isinstance(one, dict | list) for one in inner):
        return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)
    outer = " " * depth
    if isinstance(value, dict):
        parts = [f"{json.dumps(k)}: {_laid_out(value[k], depth + 1)}" for k in sorted(value)]
    else:
        parts = [_laid_out(one, depth + 1) for one in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "".join(f"\n{outer} {part}," for part in parts).removesuffix(",") + f"\n{outer}{closing}"


def _board(board: Board) -> dict[str, Any]:
    places = standings(board)
    return {
        "modality": board.modality,
        "comparability": board.comparability,
        "ranked_by": board.primary,
        "unranked": why_unranked(board),
        "invalid": violations(board),
        "floor": {
            name: {k: v for k, v in floor.items() if k != "subsamples"} for name, floor in board.floor.items()
        },
        "rows": [_row(row, places[row.name]) for row in board.rows],
    }


def _row(row: Row, place: Standing) -> dict[str, Any]:
    return {
        "variant": row.variant,
        "sampler": row.sampler,
        "versions": dict(zip(("variant", "sampler"), row.versions, strict=True)),
        "is_control": row.is_control,
        "rank": None if place.best is None else [place.best, place.worst],
        "unranked": place.reason,
        "at_floor": place.at_floor,
        "notes": place.notes,
        "audit": row.audit,
        "scores": [
            {"metric": metric, "space": space, "level": level, **asdict(entry)}
            for (metric, space, level), entry in row.entries.items()
        ],
    }
