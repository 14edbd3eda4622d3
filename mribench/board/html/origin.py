"""How the numbers of a row were made: records, checkpoints, packages, machines, and on what terms the data came."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from mribench.board.html import records
from mribench.board.html.values import BoardView, RowView
from mribench.results import Result, file_of
from mribench.spec.verdict import verdict_and_power

HEADINGS = {"versions": "Packages", "plugins": "Plugins"}
Facts = Mapping[tuple[str, str], str]  # (heading, name) -> value


@dataclass(frozen=True)
class Record:
    """A task of a row with one training seed."""

    result: Result
    out: Path  # folder of the page

    @property
    def path(self) -> str:
        """Of the file that holds the record, beside the page."""
        return file_of(self.out, self.result).relative_to(self.out).as_posix()

    @property
    def anchor(self) -> str:
        return records.anchor(self.result)

    @property
    def checkpoint(self) -> str:
        """Name of the training; empty for a control."""
        return str(self.result.provenance.get("checkpoint") or "")

    @property
    def weights(self) -> str:
        """sha256 of the checkpoint."""
        return str(self.result.provenance.get("checkpoint_sha256") or "")

    @property
    def spent(self) -> list[str]:
        """Seconds of training, sampling and scoring."""
        training, produced = (self.result.provenance.get(name) or {} for name in ("training", "produced"))
        seconds = training.get("seconds"), produced.get("seconds"), produced.get("seconds_scoring")
        return ["" if value is None else f"{value:,.1f}" for value in seconds]

    @property
    def nfe(self) -> str:
        produced = self.result.provenance.get("produced") or {}
        return ", ".join(map(str, produced.get("nfe") or []))

    @cached_property
    def facts(self) -> Facts:
        """What the record says of its making, apart from what it took."""
        made = self.result.provenance
        machine, training = made.get("machine") or {}, made.get("training") or {}
        threads = f", {machine['threads']} threads" if machine.get("threads") else ""
        commit = (made.get("git_commit") or "").partition("+")
        precision = training.get("precision") or self.result.comparability.get("precision")
        facts = {
            ("", "commit"): commit[0][:12] + (" +changes" if commit[2] else ""),
            ("", "device"): f"{machine['device']}{threads}" if machine else "",
            ("", "precision"): str(precision or ""),
            ("Profile", ""): _pretty(made["profile"]) if made.get("profile") else "",
        }
        for name, heading in HEADINGS.items():
            facts |= {(heading, package): str(v) for package, v in (made.get(name) or {}).items() if v}
        return {key: value for key, value in facts.items() if value}


@dataclass(frozen=True)
class RowOrigin:
    """How one row was made."""

    row: RowView
    records: list[Record]
    # in which it differs from others of the board: ('Packages', 'torch 2.9, ...')
    sentences: list[tuple[str, str]]

    @property
    def tasks(self) -> list[tuple[str, list[Record]]]:
        """Each task with its records, by seed."""
        return [(task, list(found)) for task, found in groupby(self.records, lambda r: r.result.task)]

    @staticmethod
    def spent(found: Sequence[Record]) -> list[str]:
        """Seconds of training, sampling and scoring, of each seed."""
        return [", ".join(filter(None, each)) for each in zip(*(r.spent for r in found), strict=True)]

    @staticmethod
    def facts(found: Sequence[Record], name: str) -> str:
        """One fact of several records; once where they agree."""
        return ", ".join(dict.fromkeys(r.facts.get(("", name), "") for r in found))


@dataclass(frozen=True)
class Audit:
    """The memorisation audit of one row and seed."""

    row: RowView
    record: Record
    verdict: str
    copies: str
    false_alarms: str
    ratios: str
    membership: str
    gap: str
    reasons: str


@dataclass(frozen=True)
class Origin:
    """Where a board comes from."""

    terms: list[Mapping[str, str]]  # of each data set: title, licence, access, homepage, citation
    sentences: list[tuple[str, str]]  # what no record contradicts
    audits: list[Audit]
    columns: list[str]  # facts in which records of the board differ, a column each
    rows: list[RowOrigin]


def origin(board: BoardView, out: Path) -> Origin:
    """Every record is read once, and what is the same in all of them is said once."""
    made = {row.name: [Record(result, out) for result in _in_order(row)] for row in board.rows}
    everything = [record for of_row in made.values() for record in of_row]
    common = _shared(everything)
    own = dict.fromkeys(name for r in everything for heading, name in r.facts if not heading)
    terms = {_pretty(t): _terms(t) for result in board.results for t in result.data.get("terms") or []}
    return Origin(
        terms=[term for _, term in sorted(terms.items())],
        sentences=_sentences([common]),
        audits=[
            _audit(row, record, record.result.audit)
            for row in board.rows
            for record in made[row.name]
            if record.result.audit
        ],
        columns=[name for name in own if ("", name) not in common],
        rows=[_row(row, made[row.name], common) for row in board.rows],
    )


def _in_order(row: RowView) -> list[Result]:
    return sorted(row.results, key=lambda result: (result.task, result.seed))


def _row(row: RowView, found: list[Record], common: Facts) -> RowOrigin:
    # what has no heading is a column beside each record; lists and the budget follow below
    rest = [{key: v for key, v in r.facts.items() if key not in common and key[0]} for r in found]
    return RowOrigin(row, found, _sentences(rest))


def _shared(records: Iterable[Record]) -> Facts:
    """Those facts in which no record differs from another."""
    values: dict[tuple[str, str], set[str]] = {}
    for record in records:
        for key, value in record.facts.items():
            values.setdefault(key, set()).add(value)
    return {key: next(iter(known)) for key, known in sorted(values.items()) if len(known) == 1}


def _sentences(several: Iterable[Facts]) -> list[tuple[str, str]]:
    """('Packages', 'torch 2.9, ...'); a heading again where records differ."""
    lines: dict[tuple[str, str], None] = {}
    for facts in several:
        grouped: dict[str, list[str]] = {}
        for (heading, name), value in sorted(facts.items()):
            grouped.setdefault(heading or "Made with", []).append(f"{name} {value}".strip())
        lines |= dict.fromkeys((heading, ", ".join(named)) for heading, named in grouped.items())
    return list(lines)


def _terms(term: Mapping[str, Any]) -> Mapping[str, str]:
    names = ("licence", "access", "homepage", "citation")
    known = {name: str(term.get(name) or "unverified") for name in names}
    return known | {"title": str(term.get("title") or term.get("data") or "")}


def _audit(row: RowView, record: Record, audit: Mapping[str, Any]) -> Audit:
    findings = audit.get("findings") or {}
    ratios = [_digits(findings.get(key), ".3f") for key in ("largest_r", "largest_r_held_out")]
    return Audit(
        row=row,
        record=record,
        verdict=verdict_and_power(audit),
        copies=_interval(audit, "copy_rate", ".1%"),
        false_alarms=_digits(audit.get("false_alarm_high"), ".1%"),
        ratios=", ".join(filter(None, ratios)),
        membership=_interval(findings.get("membership") or {}, "auroc", ".2f"),
        gap=_digits((findings.get("gap") or {}).get("p"), ".3f"),
        reasons="; ".join(map(str, audit.get("reasons") or [])),
    )


def _interval(finding: Mapping[str, Any], name: str, digits: str) -> str:
    """'0.48 [0.41, 0.54]'."""
    ends = [_digits(finding.get(end), digits) for end in ("low", "high")]
    return _digits(finding.get(name), digits) + (f" [{', '.join(ends)}]" if all(ends) else "")


def _digits(value: Any, digits: str) -> str:
    return format(value, digits) if isinstance(value, int | float) else ""


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=str)
