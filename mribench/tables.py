"""Boards as Markdown, CSV and JSON. Every number carries n, seeds and, where it can be given, an interval."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mribench.leaderboard import Address, Board, Entry, Row, against_control, called

HEADLINE_LEVEL = 0.52409  # after 250 steps of the linear schedule: half signal, half noise
REPORTED_NOTE = (
    "Printed by the study, not reproduced, and not comparable with the tables above: data sets, splits, sample counts and the "
    "pairing behind PSNR, SSIM, MSE and MAE are not stated; no single data range makes its PSNR follow from its MSE "
    "(implied ranges from 73 to 453); at range 255 its SSIM contradicts its MSE; its MSE exceeds what images in [-1, 1] can "
    "differ by; FID is of an unknown, small number of images without an interval."
)
DIGITS = {"dB": 2, "1e-3": 1}
ARROWS = {"up": "↑", "down": "↓"}


def markdown(boards: Sequence[Board], out: Path) -> str:
    """The boards as one Markdown page; figure links are relative to ``out``."""
    parts = ["# mribench leaderboard\n", _legend()]
    for board in boards:
        parts += [
            _heading(board),
            _table(*headline(board)),
            _levels(board),
            _notes(board),
            _pictures(board, out),
        ]
    parts.append(_reported(boards))
    return "\n".join(part for part in parts if part)


def _legend() -> str:
    return (
        "Each number: mean over seeds ± standard deviation between seeds (where there are several) [95 % interval over test "
        "subjects]. Rows stand together only where data, split, resolution, budget, task, metrics, feature spaces and "
        "numbers of images are equal. *Controls* are set in italics. Organs are different data: compare within a table, "
        "never between two.\n"
    )


def _heading(board: Board) -> str:
    first, c = board.members[0], board.comparability
    data = first.data
    kind = "drawn by a phantom" if c["data_kind"] == "phantom" else "real images"
    counts = ", ".join(
        f"{split} {data['images'][split]} ({data['subjects'][split]} subjects)" for split in data["images"]
    )
    lines = [
        f"## {data['title']}, {c['data']}, profile {c['profile']}\n",
        f"{data['contrast']}; {kind}; {c['resolution']} x {c['resolution']}; images: {counts}.",
    ]
    if not data["is_mri"]:
        lines.append("Not MRI: microscopy.")
    if data["subjects"]["test"] < 20:
        lines.append(
            f"**Only {data['subjects']['test']} test subjects: read as a description, not as a ranking.**"
        )
    if board.differs:
        said = "; ".join(
            f"{name}: {_short(there)} there, {_short(here)} here"
            for name, (there, here) in board.differs.items()
        )
        lines.append(f"Kept apart from the first {data['title']} board, not comparable: {said}.")
    return "\n".join(lines) + "\n"


def _short(value: Any) -> str:
    """Lists in words, and of a hash what is enough to tell it from another."""
    words = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return re.sub(r"[0-9a-f]{40,}", lambda digits: digits[0][:12], words) or "none"


def one_line(board: Board) -> str:
    """What a board is of, in one line."""
    c, data = board.comparability, board.members[0].data
    few = (
        ""
        if data["subjects"]["test"] >= 20
        else f", only {data['subjects']['test']} test subjects: not a ranking"
    )
    return f"{data['title']} ({data['contrast']}), {c['data']}, {c['profile']}, {c['resolution']} px{few}"


def headline(board: Board) -> tuple[list[str], list[list[str]]]:
    """Titles, and one line per variant and sampler: paired metrics at the headline level, then what it cost."""
    addresses = [a for a in _addresses(board) if a[2] is None or a[2] == _headline_level(board)]
    titles = ["variant", "seeds", *(_title(board, a) for a in addresses), "NFE", "train images", "train s"]
    lines = []
    for row in board.rows:
        name = f"*{row.name}*" if row.is_control else row.name
        lines.append([name, _seeds(row), *(_cell(board, row, a) for a in addresses), *_cost(row)])
    return titles, lines


def _levels(board: Board) -> str:
    """The paired metrics at every level of noise."""
    addresses = [a for a in _addresses(board) if a[2] is not None]
    levels = sorted({a[2] for a in addresses}, reverse=True)
    if len(levels) < 2:
        return ""
    metrics = list(dict.fromkeys(a[0] for a in addresses))
    titles = ["restored from", "variant", *(_title(board, (m, None, None)) for m in metrics)]
    lines = [
        [f"ᾱ = {level:.3f}", f"*{row.name}*" if row.is_control else row.name]
        + [_cell(board, row, (metric, None, level)) for metric in metrics]
        for level in levels
        for row in board.rows
    ]
    return (
        "<details><summary>reconstruction at every noise level</summary>\n\n"
        + _table(titles, lines)
        + "\n</details>\n"
    )


def _notes(board: Board) -> str:
    lines = against_control(board)
    for address in _addresses(board):
        entries = [row.entries[address] for row in board.rows if address in row.entries]
        for reason in dict.fromkeys(e.reason for e in entries if e.reason):
            lines.append(f"{_title(board, address)} is blank: {reason}")
        if entries and entries[0].n_reference is not None and any(e.value is not None for e in entries):
            lines.append(
                f"{_title(board, address)}: {entries[0].n} generated against {entries[0].n_reference} test images."
            )
    return "".join(f"- {_plain(line)}\n" for line in dict.fromkeys(lines))


def _pictures(board: Board, out: Path) -> str:
    links = [
        f"[{row.name} seed {result.seed}: {kind}]({path})"
        for row in board.rows
        for result in row.results
        for kind, path in result.figures.items()
        if not row.is_control and (out / path).exists()
    ]
    return "Pictures: " + ", ".join(links) + ".\n" if links else ""


def _reported(boards: Iterable[Board]) -> str:
    rows = {b.members[0].data["title"]: b.members[0].reported for b in boards if b.members[0].reported}
    if not rows:
        return ""
    names = ("psnr", "ssim", "mse", "mae", "fid")
    titles = ["modality", "PSNR ↑", "SSIM ↑", "MSE ↓", "MAE ↓", "FID ↓"]
    lines = [[title, *(f"{row[name]:g}" for name in names)] for title, row in rows.items()]
    sources = "; ".join(dict.fromkeys(row["source"] for row in rows.values()))
    return f"## Reported, not reproduced\n\n{sources}\n\n{REPORTED_NOTE}\n\n" + _table(titles, lines)


def _addresses(board: Board) -> list[Address]:
    return list(dict.fromkeys(address for row in board.rows for address in row.entries))


def _headline_level(board: Board) -> float | None:
    levels = [a[2] for a in _addresses(board) if a[2] is not None]
    return min(levels, key=lambda level: abs(level - HEADLINE_LEVEL), default=None)


def _metric(board: Board, name: str) -> dict[str, Any]:
    return next(r.metrics[name] for r in board.members if name in r.metrics)


def _title(board: Board, address: Address) -> str:
    name, space, level = address
    about = _metric(board, name)
    word, bracket, rest = called(name, space).partition("[")
    label = word.upper() + bracket + rest + ("" if level is None else f" @ᾱ {level:.2f}")
    unit = f" ({about['unit']})" if about["unit"] else ""
    return f"{label}{unit} {ARROWS[about['direction']]}"


def _cell(board: Board, row: Row, address: Address) -> str:
    entry = row.entries.get(address)
    return "" if entry is None or entry.value is None else number(entry, _metric(board, address[0])["unit"])


def number(entry: Entry, unit: str) -> str:
    """'0.713 ± 0.004 [0.702, 0.724]'; the spread only where there are several seeds."""
    digits = DIGITS.get(unit, 4 if abs(entry.value) < 1 else 2)
    spread = f" ± {entry.spread:.{digits}f}" if entry.spread is not None else ""
    interval = f" [{entry.low:.{digits}f}, {entry.high:.{digits}f}]" if entry.low is not None else ""
    return f"{entry.value:.{digits}f}{spread}{interval}"


def _seeds(row: Row) -> str:
    seeds = sorted({result.seed for result in row.results})
    return f"{len(seeds)} ({', '.join(map(str, seeds))})"


def _cost(row: Row) -> list[str]:
    generation = next((r for r in row.results if r.task == "generation"), row.results[0])
    training = generation.provenance.get("training")
    nfe = (generation.provenance.get("produced") or {}).get("nfe")
    if not training:
        return ["0", "0", "0"]
    return [str(nfe[0]) if nfe else "", f"{training['images_seen']:,}", f"{training['seconds']:.0f}"]


def _table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |\n"

    return line(titles) + "|" + " --- |" * len(titles) + "\n" + "".join(map(line, lines))


def _plain(text: str) -> str:
    """Foreign words (titles, reasons) on one line and without markup of their own."""
    return " ".join(text.split()).replace("<", "&lt;")


def csv_text(boards: Sequence[Board]) -> str:
    """Long form: one line per board, row, metric, space and level."""
    buffer = io.StringIO()
    names = [
        "board",
        "modality",
        "data",
        "profile",
        "variant",
        "sampler",
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
                    row.sampler,
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
