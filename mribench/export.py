"""Boards as CSV and JSON. Every number carries its interval, n and seeds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict

from mribench.leaderboard import Board


def csv_text(boards: Sequence[Board]) -> str:
    """Long form: one line per board, row, metric, space and level."""
    buffer = io.StringIO()
    names = [
        "board",
        "modality",
        "data",
        "profile",
        "variant",
        "variant_version",
        "sampler",
        "sampler_version",
        "control",
        "metric",
        "space",
        "level",
    ]
    counts = ["value", "spread", "low", "high", "seeds", "n", "n_reference", "subjects", "reason"]
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names + counts)
    for index, board in enumerate(boards, start=1):
        c = board.comparability
        for row in board.rows:
            for (metric, space, level), entry in row.entries.items():
                values = asdict(entry) | {"seeds": " ".join(map(str, entry.seeds))}
                about = [
                    index,
                    board.modality,
                    c["data"],
                    c["profile"],
                    row.variant,
                    row.versions[0],
                    row.sampler,
                    row.versions[1] if row.sampler else None,
                    int(row.is_control),
                ]
                writer.writerow([*about, metric, space, level, *(values[name] for name in counts)])
    return buffer.getvalue()


def json_text(boards: Sequence[Board]) -> str:
    """Boards with their comparability fields, rows and numbers."""
    value = [
        {
            "modality": board.modality,
            "comparability": board.comparability,
            "rows": [
                {
                    "variant": row.variant,
                    "sampler": row.sampler,
                    "versions": dict(zip(("variant", "sampler"), row.versions, strict=True)),
                    "is_control": row.is_control,
                    "scores": [
                        {"metric": metric, "space": space, "level": level, **asdict(entry)}
                        for (metric, space, level), entry in row.entries.items()
                    ],
                }
                for row in board.rows
            ],
        }
        for board in boards
    ]
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
