"""The memorisation audit of every cell of a board in one line each; all of its numbers stand in the records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mribench.board.boards import Board
from mribench.board.html.markup import Markup, element, join
from mribench.board.html.table import Line, plain, table
from mribench.results import Result, path_of

TITLES = (
    "variant",
    "seed",
    "verdict",
    "copies [95 %]",
    "false alarms, at most",
    "neighbour ratio: largest, held out",
    "membership AUROC [95 %]",
    "p of the gap",
    "reasons",
)


def audits(board: Board, organ: str) -> Markup | None:
    """A closed block; None where no record of the board holds an audit."""
    lines = [
        Line(
            [*map(plain, _words(row.name, result, result.audit))], "control" if row.is_control else "trained"
        )
        for row in board.rows
        for result in sorted(row.results, key=lambda r: (r.task, r.seed))
        if result.audit
    ]
    if not lines:
        return None
    summary = element("summary", "Memorisation audit, seed by seed")
    return element("details", summary, table(f"Memorisation audit, {organ}", TITLES, lines, how=""))


def _words(name: str, result: Result, audit: Mapping[str, Any]) -> list[str | Markup]:
    findings = audit.get("findings") or {}
    membership, gap = findings.get("membership") or {}, findings.get("gap") or {}
    ratios = [findings.get(key) for key in ("largest_r", "largest_r_held_out")]
    reasons = "; ".join(map(str, audit.get("reasons") or []))
    return [
        join(name),
        str(result.seed),
        element("a", str(audit["verdict"]), href=str(path_of(Path(), result))),
        _interval(audit, "copy_rate", ".1%"),
        _number(audit.get("false_alarm_high"), ".1%"),
        ", ".join(_number(ratio, ".3f") for ratio in ratios if ratio is not None),
        _interval(membership, "auroc", ".2f"),
        _number(gap.get("p"), ".3f"),
        element("span", reasons, class_="reason"),
    ]


def _interval(found: Mapping[str, Any], name: str, digits: str) -> str:
    """'0.48 [0.41, 0.54]'."""
    ends = [_number(found.get(end), digits) for end in ("low", "high")]
    return _number(found.get(name), digits) + (f" [{', '.join(ends)}]" if all(ends) else "")


def _number(value: Any, digits: str) -> str:
    return format(value, digits) if isinstance(value, int | float) else ""
