"""Where the numbers of a row come from: everything that made it, one click away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mribench import words
from mribench.html.cite import homepage, linked
from mribench.html.markup import Markup, element, join
from mribench.html.table import Cell, Line, plain, table
from mribench.leaderboard import Board
from mribench.results import Result, path_of
from mribench.rows import Row

TITLES = (
    "record",
    "seed",
    "commit",
    "device",
    "precision",
    "train s",
    "sample s",
    "score s",
    "NFE",
    "checkpoint",
)


def of_row(row: Row, anchor: str, organ: str) -> Markup:
    """A closed block: one line per record, then packages, plugins and the whole profile."""
    lines = [Line([*_cells(result)]) for result in sorted(row.results, key=lambda r: (r.task, r.seed))]
    records = table(f"Records of {row.name}, {organ}", TITLES, lines, sortable=False)
    parts = [records]
    for name in ("versions", "plugins"):
        parts += [element("p", said) for said in _same(name, [r.provenance.get(name) for r in row.results])]
    if row.audit:
        parts += [_audit(result) for result in row.results if result.audit]
    parts += _profiles(row.results)
    return element("details", element("summary", f"{row.name}: how it was made"), *parts, id=anchor)


def _cells(result: Result) -> list[Cell]:
    made, path = result.provenance, str(path_of(Path(), result))
    training, produced = made.get("training") or {}, made.get("produced") or {}
    machine = made.get("machine") or {}
    threads = f", {machine['threads']} threads" if machine.get("threads") else ""
    commit = (made.get("git_commit") or "").partition("+")
    said = [
        element("a", result.task, href=path),
        str(result.seed),
        element("code", commit[0][:12] + (" +changes" if commit[2] else "")),
        f"{machine['device']}{threads}" if machine else "",
        str(training.get("precision") or result.comparability.get("precision") or ""),
        _seconds(training.get("seconds")),
        _seconds(produced.get("seconds")),
        _seconds(produced.get("seconds_scoring")),
        ", ".join(map(str, produced.get("nfe") or [])),
        _checkpoint(made),
    ]
    return [plain(content) for content in said]


def _checkpoint(made: Mapping[str, Any]) -> Markup | str:
    if not made.get("checkpoint"):
        return ""
    digest = made.get("checkpoint_sha256") or ""
    return join(made["checkpoint"], element("br"), element("code", f"sha256 {digest}", class_="hash"))


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def _same(name: str, found: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """'Packages: torch 2.9, ...'; several lines where the records differ."""
    lists = [
        ", ".join(f"{key} {value}" for key, value in sorted(one.items()) if value) for one in found if one
    ]
    heading = {"versions": "Packages", "plugins": "Plugins"}[name]
    return [f"{heading}: {one}." for one in dict.fromkeys(lists)]


def _audit(result: Result) -> Markup:
    audit = result.audit or {}
    reasons = "; ".join(map(str, audit.get("reasons") or []))
    said = (
        f"Memorisation audit, seed {result.seed}: {audit['verdict']}"
        + (f" ({reasons})" if reasons else "")
        + "."
    )
    rest = {k: v for k, v in audit.items() if k not in ("verdict", "reasons")}
    return element("details", element("summary", said), element("pre", _pretty(rest), tabindex=0))


def _profiles(found: Sequence[Result]) -> list[Markup]:
    profiles = dict.fromkeys(_pretty(r.provenance["profile"]) for r in found if r.provenance.get("profile"))
    return [
        element(
            "details",
            element("summary", "Profile: every setting of the budget"),
            element("pre", p, tabindex=0),
        )
        for p in profiles
    ]


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=str)


def of_board(board: Board, anchor: str, organ: str) -> Markup:
    """What every result of a board has in common, and on what terms its data came."""
    fields = [
        Line([plain(name), plain(element("code", words.short(value)))])
        for name, value in sorted(board.comparability.items())
    ]
    key = table(f"Equal in every result of this board, {organ}", ("field", "value"), fields, sortable=False)
    terms = {_pretty(t): t for r in board.members for t in r.data.get("terms") or []}
    return element(
        "details",
        element("summary", "Data, licence, and what is equal in all rows"),
        *(_terms(term) for _, term in sorted(terms.items())),
        key,
        id=anchor,
    )


def _terms(term: Mapping[str, Any]) -> Markup:
    said = {
        name: str(term.get(name) or "unverified") for name in ("licence", "access", "homepage", "citation")
    }
    return element(
        "p",
        element("b", str(term.get("title") or term.get("data") or "")),
        f". Licence: {said['licence']}. Access: {said['access']}. Source: ",
        homepage(said["homepage"]),
        ". Citation: ",
        linked(said["citation"]),
        ".",
    )
