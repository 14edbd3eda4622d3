"""Boards as CSV and JSON. Every number carries its interval, n and seeds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mribench import escaping
from mribench.board import columns, tuning
from mribench.board.boards import Board
from mribench.board.lines import Line, real, rows
from mribench.board.ranks import RankInterval
from mribench.board.rows import Address, Estimate, Row

OF_A_NUMBER = 5  # how deep: boards, board, rows, row, scores


@dataclass(frozen=True)
class _Number:
    """One line of the CSV: one number of one line of a board."""

    index: int  # of the board, from 1
    line: Line
    address: Address
    estimate: Estimate

    @property
    def row(self) -> Row | None:
        return self.line.row

    @property
    def rank(self) -> RankInterval:
        return self.line.board.ranks[self.line.name]


def _of_board(value: Callable[[Board], Any]) -> Callable[[_Number], Any]:
    return lambda number: value(number.line.board)


def _of_row(value: Callable[[_Number, Row], Any]) -> Callable[[_Number], Any]:
    """Real images leave it empty."""
    return lambda number: value(number, number.row) if number.row else None


COLUMNS: dict[str, Callable[[_Number], Any]] = {
    "board": lambda x: x.index,
    "modality": _of_board(lambda board: board.modality),
    "data": _of_board(lambda board: board.comparability["data"]),
    "profile": _of_board(lambda board: board.comparability["profile"]),
    "invalid": _of_board(lambda board: "; ".join(board.control_violations)),
    "variant": lambda x: x.row.variant if x.row else x.line.name,
    "variant_version": _of_row(lambda _, row: row.versions[0]),
    "sampler": _of_row(lambda _, row: row.sampler),
    "sampler_version": _of_row(lambda _, row: row.versions[1] if row.sampler else None),
    "kind": lambda x: x.line.kind,
    "control": _of_row(lambda _, row: int(row.is_control)),
    "rank_best": _of_row(lambda x, _: x.rank.best),
    "rank_worst": _of_row(lambda x, _: x.rank.worst),
    "at_floor": _of_row(lambda x, _: int(x.rank.at_floor)),
    "unranked": _of_row(lambda x, _: x.rank.reason),
    "tuning_trials": _of_row(lambda _, row: tuning.trials(row)),
    "audit": _of_row(lambda _, row: row.audit),
    "metric": lambda x: x.address[0],
    "space": lambda x: x.address[1],
    "level": lambda x: x.address[2],
    "value": lambda x: x.estimate.value,
    "spread": lambda x: x.estimate.spread,
    "low": lambda x: x.estimate.low,
    "high": lambda x: x.estimate.high,
    "seeds": lambda x: " ".join(map(str, x.estimate.seeds)),
    "n": lambda x: x.estimate.n,
    "n_reference": lambda x: x.estimate.n_reference,
    "subjects": lambda x: x.estimate.subjects,
    "reason": lambda x: x.estimate.reason,
}


def csv_text(boards: Sequence[Board]) -> str:
    """Long form: one line per board, row, metric, space and level."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for index, board in enumerate(boards, start=1):
        for number in _numbers(index, board):
            writer.writerow([escaping.csv_cell(value(number)) for value in COLUMNS.values()])
    return buffer.getvalue()


def _numbers(index: int, board: Board) -> Iterator[_Number]:
    for line in rows(board):
        for address, estimate in line.estimates.items():
            yield _Number(index, line, address, estimate)
    known = real(board, board.addresses)
    for address in board.addresses:
        for line in known:
            if address in line.estimates:
                yield _Number(index, line, address, line.estimates[address])


def json_text(boards: Sequence[Board]) -> str:
    """Boards with their comparability fields, rows, ranks, floor and numbers; a line for each number."""
    return escaping.json_text(_laid_out([_board(board) for board in boards])) + "\n"


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
    return {
        "modality": board.modality,
        "comparability": board.comparability,
        "ranked_by": board.primary,
        "unranked": board.why_unranked,
        "invalid": board.control_violations,
        "doubts": board.doubts,
        "floor": {
            name: {k: v for k, v in floor.items() if k != "subsamples"} for name, floor in board.floor.items()
        },
        "rows": [_row(board, row) for row in board.rows],
    }


def _row(board: Board, row: Row) -> dict[str, Any]:
    rank = board.ranks[row.name]
    return {
        "variant": row.variant,
        "sampler": row.sampler,
        "versions": dict(zip(("variant", "sampler"), row.versions, strict=True)),
        "is_control": row.is_control,
        "rank": None if rank.best is None else [rank.best, rank.worst],
        "unranked": rank.reason,
        "at_floor": rank.at_floor,
        "notes": tuple(columns.notes(board, row)),
        "audit": row.audit,
        "scores": [
            {"metric": metric, "space": space, "level": level, **vars(estimate)}
            for (metric, space, level), estimate in row.estimates.items()
        ],
    }
