"""What the data commands print: the catalogue, a card's page, what was verified, what the terms allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from mribench.cli.console import console
from mribench.cli.console import text as as_is
from mribench.data.cards import terms
from mribench.data.cards.card import UNVERIFIED, CardFile, Condition, DatasetCard, Query
from mribench.data.cards.catalogue import Entry
from mribench.data.cards.verify import Finding

# a terminal narrower than this shows no title and no dimensions
WIDE = 150
STYLES = {"ok": "green", "note": "yellow", "broken": "red"}
LABEL = 18


def catalogue(cards: Sequence[DatasetCard], problems: Sequence[Entry]) -> None:
    """One line per card, by organ; below it how many there are, and which cards are broken."""
    wide = console.width >= WIDE
    titles = ["id", "organ", "subjects", "licence", "access", *(["dims", "title"] if wide else [])]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        right = title == "subjects"
        table.add_column(title, overflow="fold", justify="right" if right else "left", no_wrap=title == "id")
    for card in sorted(cards, key=lambda c: (c.organ, ACCESS_ORDER[c.access], c.id)):
        table.add_row(*map(as_is, _line(card)[: len(titles)]))
    console.print(table)
    organs, ready = len({card.organ for card in cards}), sum(card.fetchable for card in cards)
    say(
        f"{len(cards)} cards, {organs} organs; {ready} are downloaded by mribench (access open*), the others after a "
        "step by hand. `mribench data show ID` shows licence, citation and what to do."
    )
    for entry in problems:
        console.print(as_is(f"{entry.id} ({entry.owner}): {entry.problem}", "red"), soft_wrap=True)


ACCESS_ORDER = {"open": 0, "registration": 1, "agreement": 2}


def _line(card: DatasetCard) -> tuple[str, ...]:
    subjects = f"{card.subjects:,}" if card.subjects else "?"
    access = f"{card.access}*" if card.fetchable else card.access
    return card.id, card.organ, subjects, card.licence, access, card.dimensions or "?", card.title


def page(card: DatasetCard, owner: str, folder: str) -> None:
    """A card to read: licence and citation first, because every user has to know them."""
    for title, lines in _blocks(card, owner, folder):
        if title:
            console.print(Text(f"\n{title}", style="bold"))
        for label, value in lines:
            if value is not None:
                console.print(as_is(f"{label:<{LABEL if label else 0}}{value}"), soft_wrap=True)


def _blocks(card: DatasetCard, owner: str, folder: str) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    yield (
        "",
        [
            ("id", card.id),
            ("title", card.title),
            ("licence", card.licence),
            ("citation", card.citation),
            ("homepage", card.homepage),
            ("version", card.version),
            ("card by", owner),
        ],
    )
    yield (
        "You may",
        [(as_text(getattr(card, field)), text) for field, text in terms.ALLOWS.items()]
        + [("you must", text) for field, text in terms.ASKS.items() if getattr(terms, field)(card.licence)],
    )
    how = "mribench downloads it" if card.fetchable else f"put the files into {folder}"
    yield "Access", [("access", card.access), ("how", card.how_to_apply), ("then", how)]
    yield (
        "Content",
        [
            (
                "organ",
                ", also ".join((card.organ, *([", ".join(card.other_organs)] if card.other_organs else []))),
            ),
            ("imaging", card.modality),
            ("contrast", card.contrast),
            ("field strength", " and ".join(f"{tesla:g} T" for tesla in card.field_strength) or None),
            ("population", card.population),
            ("labels", ", ".join(card.labels) or None),
            ("faces", None if card.defaced is None else "taken out" if card.defaced else "shown"),
            ("dimensions", as_text(card.dimensions)),
            ("subjects", as_text(card.subjects)),
            ("images", as_text(card.images)),
            ("format", card.format),
            ("spacing", as_text(card.spacing_unit)),
        ],
    )
    yield (
        "Reading and splitting",
        [
            ("reader", as_text(card.reader)),
            ("files read", card.include),
            ("slices", card.slices),
            ("masks of", ", ".join(masks.organ for masks in card.masks) or None),
            ("air", "set to 0" if card.foreground == "threshold" else None),
            ("near duplicates", "dropped, test stays" if card.near_duplicates == "drop" else None),
            ("subject by", " ".join(filter(None, (card.subject, card.subject_pattern)))),
            ("stratified by", card.stratify_pattern),
            ("repeat scans", as_text(card.repeat_scans)),
            ("official split", card.official_split),
            ("published as", "subject ids" if card.publish_subjects else "salted hashes"),
            ("ranked", None if card.subjects_known else "never: one person may be in train and in test"),
        ],
    )
    if card.overlaps:
        yield "Overlaps", [(o.card, f"{o.subjects}{'; ' + o.note if o.note else ''}") for o in card.overlaps]
    if card.caveats:
        yield "Before you trust a score", [("-", text) for text in card.caveats]
    if card.files:
        yield "Files", [("-", _file(file)) for file in card.files]
    if card.query:
        yield "Series of the Imaging Data Commons", _query(card.query)
    if card.bibtex:
        yield "BibTeX", [("", line) for line in card.bibtex.strip().splitlines()]
    if card.evidence:
        yield "Read where and when", [(e.checked, f"{', '.join(e.facts)}: {e.source}") for e in card.evidence]


def _query(query: Query) -> list[tuple[str, str | None]]:
    conditions = [
        (one.column, f"at least {one.at_least:g}" if one.at_least is not None else _words(one))
        for one in query.where
    ]
    return [
        ("collections", ", ".join(query.collections)),
        *conditions,
        ("chosen", f"{query.series:,} series, {query.bytes / 1e6:,.0f} MB, by idc-index-data {query.index}"),
    ]


def _words(one: Condition) -> str:
    return f"matches {one.matches}" if one.matches is not None else f"lacks {one.lacks}"


def _file(file: CardFile) -> str:
    md5 = f"  MD5 {file.md5}" if file.md5 else ""
    return f"{file.url}  sha256 {file.sha256}{md5}  bytes {as_text(file.bytes)}"


def as_text(value: object) -> str:
    """yes, no, unverified or the value itself."""
    if value is None:
        return UNVERIFIED
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def findings(found: Sequence[Finding]) -> None:
    for one in found:
        said = as_is(f"{one.what:<12}") + as_is(f"{one.state:<8}", STYLES[one.state]) + as_is(one.text)
        console.print(said, soft_wrap=True)


def allowed(rows: Sequence[terms.Row]) -> None:
    """Every data set with its licence, then the strictest answer on each thing one may want to do."""
    for row in rows:
        say(f"{row['data']}: {row['licence']}; access {as_text(row['access'])}; cite {row['citation']}")
    console.print(Text("\nTogether", style="bold"))
    say(f"{'access':<14}{as_text(terms.access(rows))}")
    for answer in terms.strictest(rows):
        because = f" (because of {', '.join(answer.because)})" if answer.because else ""
        say(f"{_verb(answer):<14}{answer.question}{because}")


def _verb(answer: terms.Answer) -> str:
    if answer.free is None:
        return "unverified"
    if answer.question in terms.ASKS.values():
        return "must" if answer.free else "need not"
    return "may" if answer.free else "may not"


def say(text: str) -> None:
    """Lines, never cut and never taken for markup."""
    for line in text.split("\n"):
        console.print(as_is(line), soft_wrap=True)
