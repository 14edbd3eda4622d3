"""The one module of this folder that asks ``mribench.board``: everything once, for all tables and drawings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mribench.board import columns, findings, sentences
from mribench.board.against_control import CONTROL, word
from mribench.board.boards import Board
from mribench.board.control_checks import NOISE, violations
from mribench.board.html import strips
from mribench.board.html.values import (
    BoardView,
    Metric,
    MetricColumn,
    MetricTable,
    Note,
    Number,
    RealRow,
    Reported,
    RowView,
)
from mribench.board.ranks import standings
from mribench.board.rows import Address, Entry, Row
from mribench.spec import AuditVerdict

BETTER = {"up": "higher is better", "down": "lower is better", "zero": "nearer to 0 is better"}
Seeds = Mapping[Address, Sequence[float]]  # the value of each training seed


class Anchors:
    """Ids made of words: they stay when another board joins the page, and no two are equal."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def new(self, *words: str) -> str:
        anchor = first = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")
        n = 1
        while anchor in self.taken:
            n += 1
            anchor = f"{first}-{n}"
        self.taken.add(anchor)
        return anchor


def views(boards: Iterable[Board]) -> list[BoardView]:
    """The boards in their order."""
    anchors = Anchors()
    return [_board(board, anchors) for board in boards]


def _board(board: Board, anchors: Anchors) -> BoardView:
    fields, data = board.comparability, board.members[0].data
    anchor = anchors.new("board", board.modality, str(fields["data"]), str(fields["profile"]))
    seeds = {row.name: _seeds(row) for row in board.rows}
    found = {address: _column(board, address, seeds) for address in board.addresses}
    title, about, control = sentences.title(board), sentences.about(board), board.row(CONTROL)
    headline = columns.headline_addresses(board)
    caption = f"{title}: trained variants, controls, real images"
    levels = sorted({a[2] for a in board.addresses if a[2] is not None}, reverse=True)
    by_level = [
        _table(
            f"{title}: denoised from ᾱ = {level:.3f}", [c for a, c in found.items() if a[2] == level], False
        )
        for level in levels
    ]
    return BoardView(
        id=anchor,
        modality=board.modality,
        organ=data["title"],
        data=str(fields["data"]),
        profile=str(fields["profile"]),
        title=title,
        about=tuple(s.text for s in about if not s.loud),
        cautions=tuple(s.text for s in about if s.loud),
        violations=tuple(violations(board)),
        notes=tuple(sentences.notes(board)),
        test_subjects=data["subjects"]["test"],
        rows=_rows(board, control, anchor, anchors),
        columns=found,
        primary=board.primary,
        headline=_table(caption, [_drawn(board, found[address]) for address in headline]),
        more=_table(f"{title}: more metrics", [found[a] for a in columns.more_addresses(board)]),
        levels=tuple(by_level) if len(levels) > 1 else (),
        headline_addresses=tuple(headline),
        gaussian=control.name if control else "",
        fields=tuple((name, sentences.short(value)) for name, value in sorted(fields.items())),
        results=tuple(board.members),
    )


def _rows(board: Board, control: Row | None, anchor: str, anchors: Anchors) -> tuple[RowView, ...]:
    places, made = standings(board), []
    for row in board.rows:
        place = places[row.name]
        nfe, images_seen, seconds = columns.cost(row)
        made.append(
            RowView(
                id=anchors.new(anchor, row.name),
                name=row.name,
                help=_row_help(row),
                kind="control" if row.is_control else "trained",
                is_noise=row.variant == NOISE,
                seeds=row.seeds,
                rank=place.words,
                best=place.best,
                unranked=place.reason or "",
                memorises=row.audit if row.audit and AuditVerdict(row.audit).memorises else "",
                notes=tuple(_note(text, row.audit) for text in place.notes),
                against=word(board, row, control) if control and not row.is_control else "",
                nfe=nfe,
                images_seen=images_seen,
                seconds=seconds,
                results=row.results,
            )
        )
    return tuple(made)


def _row_help(row: Row) -> str:
    parts = zip(("variant", "sampler"), (row.variant, row.sampler), row.versions, strict=True)
    return ", ".join(f"{what} {name}, version {version}" for what, name, version in parts if name)


def _note(text: str, verdict: str | None) -> Note:
    return Note(f"audit: {text}", AuditVerdict(text).grave) if text == verdict else Note(text)


def _column(board: Board, address: Address, seeds: Mapping[str, Seeds]) -> MetricColumn:
    name, space, level = address
    about, floor = columns.metric(board, name), board.floor_of(address)
    unit, where = about["unit"], f", in the feature space {space}" if space else ""
    where += "" if level is None else f", of images denoised from ᾱ = {level:.2f}"
    return MetricColumn(
        title=columns.title(board, address),
        help=f"{about['title'] or name}{where}; {BETTER[about['direction']]}",
        numbers={
            row.name: _number(row.entries.get(address), unit, seeds[row.name].get(address, ()))
            for row in board.rows
        },
        real_train=_number(columns.floor_entry(floor, board), unit),
        halves=_number(columns.halves_entry(floor, board), unit),
    )


def _number(entry: Entry | None, unit: str, seeds: Sequence[float] = ()) -> Number:
    if entry is None or entry.value is None:
        return Number(reason=(entry.reason if entry else "") or "no number")
    interval = None if entry.low is None or entry.high is None else (entry.low, entry.high)
    return Number(columns.number(entry, unit), entry.value, interval, tuple(seeds))


def _seeds(row: Row) -> Seeds:
    """The value of each training seed, of all metrics in one pass."""
    found: dict[Address, list[float]] = {}
    for result in row.results:
        for score in result.scores:
            if score.value is not None:
                found.setdefault((score.metric, score.space, score.level), []).append(score.value)
    return found


def _drawn(board: Board, column: MetricColumn) -> MetricColumn:
    """The same column with its drawings, on one scale for all rows but noise, which would leave the others a point."""
    kinds = {row.name: "control" if row.is_control else "trained" for row in board.rows}
    near = [column.numbers[row.name] for row in board.rows if row.variant != NOISE]
    axis = strips.scale(v for number in [*near, column.real_train, column.halves] for v in number.extent)
    numbers = {name: n.drawn(axis, kinds[name], column.halves.interval) for name, n in column.numbers.items()}
    real, halves = (n.drawn(axis, "real", column.halves.interval) for n in (column.real_train, column.halves))
    return replace(column, numbers=numbers, real_train=real, halves=halves)


def _table(caption: str, shown: Iterable[MetricColumn], with_real: bool = True) -> MetricTable:
    """Of the columns those in which any row has a number; the notes say why another is empty."""
    known = tuple(c for c in shown if any(n.value is not None for n in c.numbers.values()))
    real = [
        RealRow(columns.REAL_TRAIN, tuple(c.real_train for c in known)),
        RealRow(columns.HALVES, tuple(c.halves for c in known), is_band=True),
    ]
    found = (row for row in real if any(n.value is not None for n in row.numbers))
    return MetricTable(caption, known, tuple(found) if with_real else ())


def findings_of(boards: Sequence[Board]) -> list[tuple[str, list[str]]]:
    """Heading and sentences of each part of what the numbers allow to say."""
    return findings.sections(boards)


def reported(boards: Sequence[Board]) -> Reported | None:
    sources, rows = sentences.reported(boards)
    titles = list(sentences.REPORTED.values())
    return Reported(sources, sentences.REPORTED_NOTE, titles, rows) if rows else None


def glossary(boards: Iterable[Board]) -> list[Metric]:
    known = {name: about for board in boards for r in board.members for name, about in r.metrics.items()}
    return [
        Metric(
            name=f"{name.upper()} {columns.ARROWS[about['direction']]}",
            text=f"{about['title'] or name}; {BETTER[about['direction']]}.",
            paper=about.get("paper") or "",
        )
        for name, about in sorted(known.items())
    ]
