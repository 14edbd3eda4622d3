"""Where the numbers of a row come from: everything that made it, one click away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mribench.board import sentences
from mribench.board.boards import Board
from mribench.board.html.cite import homepage, linked
from mribench.board.html.markup import Markup, element
from mribench.board.html.table import Line, plain, table
from mribench.board.rows import Row
from mribench.results import Result, path_of

SPENT = ("train s", "sample s", "score s", "NFE")
HEADINGS = {"versions": "Packages", "plugins": "Plugins"}
Facts = Mapping[tuple[str, str], str]  # (heading, name) -> value


def of_row(row: Row, anchor: str, organ: str, common: Facts) -> Markup:
    """A closed block: one line per record, its checkpoints, and whatever is not the same in the whole board."""
    found = sorted(row.results, key=lambda r: (r.task, r.seed))
    own = {key: None for result in found for key in facts(result) if key not in common}
    # what has no heading stands with each record, lists and the budget below
    columns = [key for key in own if not key[0]]
    titles = ["record", "seed", *(name for _, name in columns), *SPENT]
    lines = [
        Line([*map(plain, [_link(r), str(r.seed), *(facts(r).get(k, "") for k in columns), *_spent(r)])])
        for r in found
    ]
    rest = [{key: value for key, value in facts(r).items() if key in own and key[0]} for r in found]
    parts = [
        table(f"Records of {row.name}, {organ}", titles, lines, how=""),
        *_checkpoints(found),
        *said(rest),
    ]
    return element("details", element("summary", f"{row.name}: how it was made"), *parts, id=anchor)


def facts(result: Result) -> Facts:
    """What a record says of its making, apart from what it took."""
    made = result.provenance
    machine = made.get("machine") or {}
    threads = f", {machine['threads']} threads" if machine.get("threads") else ""
    commit = (made.get("git_commit") or "").partition("+")
    training = made.get("training") or {}
    found = {
        ("", "commit"): commit[0][:12] + (" +changes" if commit[2] else ""),
        ("", "device"): f"{machine['device']}{threads}" if machine else "",
        ("", "precision"): str(training.get("precision") or result.comparability.get("precision") or ""),
        ("Profile", ""): _pretty(made["profile"]) if made.get("profile") else "",
    }
    for heading in ("versions", "plugins"):
        found |= {(HEADINGS[heading], name): str(v) for name, v in (made.get(heading) or {}).items() if v}
    return {key: value for key, value in found.items() if value}


def shared(found: Iterable[Result]) -> Facts:
    """Those facts in which no record differs from another."""
    values: dict[tuple[str, str], set[str]] = {}
    for result in found:
        for key, value in facts(result).items():
            values.setdefault(key, set()).add(value)
    return {key: next(iter(known)) for key, known in sorted(values.items()) if len(known) == 1}


def said(found: Iterable[Facts]) -> list[Markup]:
    """'Packages: torch 2.9, ...' a line each, and the settings of a profile; again where records differ."""
    lines: dict[tuple[str, str], None] = {}
    for one in found:
        grouped: dict[str, list[str]] = {}
        for (heading, name), value in sorted(one.items()):
            grouped.setdefault(heading or "Made with", []).append(f"{name} {value}".strip())
        lines |= dict.fromkeys((heading, ", ".join(named)) for heading, named in grouped.items())
    return [
        _closed("Profile: every setting of the budget", text)
        if heading == "Profile"
        else element("p", f"{heading}: {text}.")
        for heading, text in lines
    ]


def _closed(summary: str, text: str) -> Markup:
    return element("details", element("summary", summary), element("pre", text, tabindex=0))


def _link(result: Result) -> Markup:
    return element("a", result.task, href=str(path_of(Path(), result)))


def _spent(result: Result) -> list[str]:
    training, produced = (result.provenance.get(name) or {} for name in ("training", "produced"))
    seconds = training.get("seconds"), produced.get("seconds"), produced.get("seconds_scoring")
    return [*map(_seconds, seconds), ", ".join(map(str, produced.get("nfe") or []))]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def _checkpoints(found: Iterable[Result]) -> list[Markup]:
    """Name and checksum, once for all tasks that used it."""
    known = dict.fromkeys(
        (r.seed, str(r.provenance["checkpoint"]), str(r.provenance.get("checkpoint_sha256") or ""))
        for r in found
        if r.provenance.get("checkpoint")
    )
    return [
        element(
            "p", f"Checkpoint of seed {seed}: {name} ", element("code", f"sha256 {digest}", class_="hash")
        )
        for seed, name, digest in sorted(known)
    ]


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=str)


def of_board(board: Board, anchor: str, organ: str) -> Markup:
    """What every result of a board has in common, and on what terms its data came."""
    fields = [
        Line([plain(name), plain(element("code", sentences.short(value)))])
        for name, value in sorted(board.comparability.items())
    ]
    key = table(f"Equal in every result of this board, {organ}", ("field", "value"), fields, how="")
    terms = {_pretty(t): t for r in board.members for t in r.data.get("terms") or []}
    return element(
        "details",
        element("summary", "Data, licence, and what is equal in all rows"),
        *(_terms(term) for _, term in sorted(terms.items())),
        *said([shared(board.members)]),
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
