"""The one module of this folder that asks ``mribench.board``: everything once, for all tables and drawings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mribench.board import columns, findings, lines, sentences
from mribench.board.against_control import control_name
from mribench.board.boards import Board
from mribench.board.columns import Column
from mribench.board.html import records, strips
from mribench.board.html.values import (
    BoardView,
    Cell,
    Metric,
    MetricColumn,
    MetricTable,
    Note,
    Number,
    RealRow,
    Reported,
    RowView,
)
from mribench.board.rows import Address, Estimate
from mribench.spec import AuditVerdict, Score

BETTER = {"up": "higher is better", "down": "lower is better", "zero": "nearer to 0 is better"}
HELP = {
    "seeds": "how many trainings, and their seeds",
    "ε": "privacy of a training subject: less is more private; ∞: none is promised",
    "NFE": "network evaluations for one image",
    "train images": "images that training saw, again and again",
    "train s": "seconds of training",
}
SENTENCES = 24  # of one kind, above which nobody reads on
MANY = 100  # rows of a page, above which drawings in cells would be most of it
OWN = (
    columns.RANK,
    columns.VARIANT,
    columns.NOTES,
)  # of the headline, columns that the page draws in its own way
OF_SUMMARY = (columns.TEST_SUBJECTS, columns.SEEDS, columns.NFE, columns.TRAIN_SECONDS)


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
    boards, anchors = list(boards), Anchors()
    many = sum(len(board.rows) for board in boards) > MANY
    return [_board(board, anchors, many) for board in boards]


def _board(board: Board, anchors: Anchors, many: bool) -> BoardView:
    """many: leave drawings to the script."""
    fields, data = board.comparability, board.members[0].data
    anchor = anchors.new("board", board.modality, str(fields["data"]), str(fields["profile"]))
    task_of = records.tasks(board.records)
    links = {row.name: records.anchors(row.results) for row in board.rows}
    metrics = {
        address: _column(board, address, task_of.get(address, ""), links) for address in board.addresses
    }
    title, about, control = sentences.title(board), sentences.about(board), board.row(control_name(board))
    headline = columns.headline_addresses(board)
    plain = [c for c in columns.headline(board).columns if c not in OWN and c.address is None]
    caption = f"{title}: trained variants, controls, real images"
    levels = sorted({a[2] for a in board.addresses if a[2] is not None}, reverse=True)
    by_level = [
        _table(
            f"{title}: {columns.restored_from(board, level, 3)}",
            [c for a, c in metrics.items() if a[2] == level and (not many or _is_headline(board, a))],
            False,
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
        violations=tuple(board.control_violations),
        notes=tuple(sentences.notes(board)),
        test_subjects=board.test_subjects,
        rows=tuple(_row(line, anchors.new(anchor, line.name), plain) for line in lines.rows(board)),
        columns=metrics,
        primary=board.primary,
        less_is_better=board.primary is None or board.sign(board.primary) > 0,
        headline=_table(
            caption, [metrics[a] if many else _drawn(board, metrics[a]) for a in headline], many=many
        ),
        more=_table(f"{title}: more metrics", [metrics[a] for a in columns.more_addresses(board)]),
        levels=tuple(by_level) if len(levels) > 1 else (),
        levels_title=columns.levels_title(board).capitalize(),
        headline_addresses=tuple(headline),
        gaussian=control.name if control else "",
        fields=tuple((name, sentences.short(value)) for name, value in sorted(fields.items())),
        results=tuple(board.members),
        poses_problem=board.poses_problem,
        many=many,
    )


def _is_headline(board: Board, address: Address) -> bool:
    return bool(board.metrics[address[0]].get("headline", True))


def _row(line: lines.Line, anchor: str, plain: Sequence[Column]) -> RowView:
    """plain: the columns of the headline beside its numbers."""
    board, row = line.board, line.row
    assert row is not None  # only lines of real images have none
    rank, verdict = board.ranks[row.name], AuditVerdict(row.audit) if row.audit else None
    audit = [Note(f"audit: {row.audit}", verdict.grave)] if verdict else []
    named = zip(("variant", "sampler"), (row.variant, row.sampler), row.versions, strict=True)
    return RowView(
        id=anchor,
        name=row.name,
        method=row.variant if row.versions[0] == 1 else f"{row.variant} v{row.versions[0]}",
        sampler=row.sampler or "",
        help=", ".join(f"{what} {name}, version {version}" for what, name, version in named if name),
        kind=line.kind,
        off_scale=row.off_scale,
        rank=rank.text,
        best=rank.best,
        unranked=rank.reason or "",
        memorises=row.audit if row.audit and verdict and verdict.memorises else "",
        notes=(*map(Note, columns.remarks(board, row)), *audit),
        against=board.outcomes.get(row.name, ""),
        against_by=against.by_another if (against := board.against.get(row.name)) else "",
        cells=tuple(_cell(column, line) for column in plain),
        summary_cells=tuple(_cell(column, line) for column in OF_SUMMARY),
        results=row.results,
    )


def _cell(column: Column, line: lines.Line) -> Cell:
    return Cell(column.title, HELP.get(column.title, ""), column.text(line), column.value(line))


def _column(
    board: Board, address: Address, task: str, links: Mapping[str, Mapping[Address, str]]
) -> MetricColumn:
    """links: anchor of the record of each number, by name of the row."""
    name, space, level = address
    about = board.metrics[name]
    unit, where = str(about["unit"]), f", in the feature space {space}" if space else ""
    where += "" if level is None else f", of images {columns.restored_from(board, level, 2)}"
    return MetricColumn(
        title=columns.title(board, address),
        help=f"{about['title'] or name}{where}; {BETTER[about['direction']]}",
        numbers={
            row.name: _number(
                row.estimates.get(address),
                unit,
                row.scores(address).values(),
                links[row.name].get(address, ""),
            )
            for row in board.rows
        },
        real_train=_number(lines.train_estimate(board, address), unit),
        halves=_number(lines.halves_estimate(board, address), unit),
        task=task,
    )


def _number(estimate: Estimate | None, unit: str, seeds: Iterable[Score] = (), record: str = "") -> Number:
    if estimate is None or estimate.value is None:
        reason = sentences.of_a_blank(estimate.reason) if estimate and estimate.reason else "no number"
        return Number(reason=reason, record=record, applies=estimate is None or estimate.applies)
    low, high = estimate.low, estimate.high
    return Number(
        text=columns.number(estimate, unit),
        value=estimate.value,
        interval=None if low is None or high is None else (low, high),
        seeds=tuple(score.value for score in seeds if score.value is not None),
        record=record,
    )


def _drawn(board: Board, column: MetricColumn) -> MetricColumn:
    """The same column with its drawings, on one scale for all rows but those far off it."""
    kinds = {row.name: "control" if row.is_control else "trained" for row in board.rows}
    near = [column.numbers[row.name] for row in board.rows if not row.off_scale]
    axis = strips.scale(v for number in [*near, column.real_train, column.halves] for v in number.extent)
    numbers = {name: n.drawn(axis, kinds[name], column.halves.interval) for name, n in column.numbers.items()}
    real, halves = (n.drawn(axis, "real", column.halves.interval) for n in (column.real_train, column.halves))
    return replace(column, numbers=numbers, real_train=real, halves=halves)


def _table(
    caption: str, shown: Iterable[MetricColumn], with_real: bool = True, many: bool = False
) -> MetricTable:
    """Of the columns those in which any row has a number; the notes say why another is empty."""
    known = tuple(c for c in shown if any(n.value is not None for n in c.numbers.values()))
    real = [
        RealRow(lines.REAL_TRAIN, tuple(c.real_train for c in known)),
        RealRow(lines.HALVES, tuple(c.halves for c in known), is_band=True),
    ]
    filled = (row for row in real if any(n.value is not None for n in row.numbers))
    return MetricTable(caption, known, tuple(filled) if with_real else (), many)


def findings_of(boards: Sequence[Board]) -> list[tuple[str, list[str]]]:
    """Heading and sentences of each part of what the numbers allow to say; of very many the first."""
    found = findings.sections(boards)
    return [(heading, said if len(said) <= SENTENCES + 1 else _cut(said)) for heading, said in found]


def _cut(said: Sequence[str]) -> list[str]:
    return [*said[:SENTENCES], f"{len(said) - SENTENCES} more sentences of this kind are in leaderboard.md."]


def reported(boards: Sequence[Board]) -> Reported | None:
    sources, rows = sentences.reported(boards)
    titles, tables = list(sentences.REPORTED.values()), sentences.reported_tables(boards)
    return Reported(sources, sentences.REPORTED_NOTE, titles, rows, tables) if rows or tables else None


def glossary(boards: Iterable[Board]) -> list[Metric]:
    known = {name: about for board in boards for name, about in board.metrics.items()}
    return [
        Metric(
            name=f"{name.upper()} {columns.ARROWS[about['direction']]}",
            text=f"{about['title'] or name}; {BETTER[about['direction']]}.",
            paper=about.get("paper") or "",
        )
        for name, about in sorted(known.items())
    ]
