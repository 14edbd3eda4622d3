"""The cards as one HTML file that needs nothing else: to search, to filter, to link to a card by its id."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files as package_files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mribench.data.cards import terms
from mribench.data.cards.card import ACCESS, MODALITIES, UNVERIFIED, DatasetCard
from mribench.escaping import visible

DOI = re.compile(r"doi:(?P<doi>10\.\d{4,9}/[^\s;,]*[^\s;,.])", re.IGNORECASE)
LINK = Markup('<a href="{}" rel="noreferrer">{}</a>')
WEB = ("https://", "http://")
SUFFIXES = ((1e9, "GB"), (1e6, "MB"))


def html(cards: Iterable[DatasetCard]) -> str:
    """The page; the same cards give the same text, byte by byte."""
    shown = sorted(
        cards, key=lambda card: (card.organ, not card.fetchable, ACCESS.index(card.access), card.id)
    )
    style, script = _packaged("style.css"), _packaged("script.js")
    return (
        _environment()
        .get_template("catalogue.html")
        .render(
            cards=shown,
            organs=_counted(organ for card in shown for organ in {card.organ, *card.other_organs}),
            access=_counted(card.access for card in shown),
            modalities=_counted(card.modality for card in shown if card.modality),
            fetched=sum(card.fetchable for card in shown),
            questions=terms.ALLOWS,
            asks=lambda card: [
                text for flag, text in terms.ASKS.items() if getattr(terms, flag)(card.licence)
            ],
            facts=_facts,
            reading=_reading,
            size=_size,
            words=_words,
            style=Markup(style),
            script=Markup(script),
            policy=f"style-src {_hash(style)}; script-src {_hash(script)}",
        )
    )


def _environment() -> Environment:
    """Whatever a card says is escaped; what is invisible is shown."""
    made = Environment(
        loader=PackageLoader("mribench.data.html", "."),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"cited": _cited, "link": _link, "answer": _answer}
    return made


def _visible(value: object) -> object:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _facts(card: DatasetCard) -> list[tuple[str, Any]]:
    """What a card says of its images; facts that it is silent about are left out."""
    found = [
        ("imaging", card.modality),
        ("contrast", card.contrast),
        ("also shows", ", ".join(card.other_organs)),
        ("people", card.population),
        ("subjects", f"{card.subjects:,}" if card.subjects else UNVERIFIED),
        ("images", f"{card.images:,}" if card.images else UNVERIFIED),
        ("labels", ", ".join(card.labels)),
        ("official split", card.official_split),
        ("field strength", " and ".join(f"{tesla:g} T" for tesla in card.field_strength)),
        ("faces", {None: "", True: "taken out", False: "shown"}[card.defaced]),
        ("dimensions", card.dimensions),
        ("format", card.format),
        ("version", card.version),
    ]
    return [(label, value) for label, value in found if value]


def _reading(card: DatasetCard) -> list[tuple[str, Any]]:
    found = [
        ("reader", card.reader or UNVERIFIED),
        ("files read", card.include),
        ("subject by", " ".join(filter(None, (card.subject, card.subject_pattern)))),
        ("repeat scans", card.repeat_scans or UNVERIFIED),
        ("masks choose slices of", ", ".join(masks.organ for masks in card.masks)),
        ("ranked", "" if card.subjects_known else "never: one person may be in train and in test"),
        ("collections", ", ".join(card.query.collections) if card.query else ""),
        ("series", f"{card.query.series:,}, by idc-index-data {card.query.index}" if card.query else ""),
    ]
    return [(label, value) for label, value in found if value]


def _size(card: DatasetCard) -> str:
    """'818 MB' where the card knows it, else empty."""
    known = [card.query.bytes] if card.query else [file.bytes for file in card.files]
    if not known or None in known:
        return ""
    total = sum(size for size in known if size)
    scale, unit = next((pair for pair in SUFFIXES if total >= pair[0]), (1e6, "MB"))
    return f"{total / scale:,.{1 if scale == 1e9 else 0}f} {unit}"


def _words(card: DatasetCard) -> str:
    """What the search looks at, in lower case."""
    fields = (
        card.id,
        card.title,
        card.organ,
        *card.other_organs,
        card.contrast,
        card.population,
        card.licence,
    )
    return " ".join(
        " ".join(filter(None, (*fields, *card.labels, card.citation, card.modality))).lower().split()
    )


def _counted(values: Iterable[str]) -> Sequence[tuple[str, int]]:
    order = [*ACCESS, *MODALITIES]
    found = Counter(values).items()
    return sorted(found, key=lambda pair: (order.index(pair[0]) if pair[0] in order else -1, pair[0]))


def _cited(text: str) -> Markup:
    """DOIs become links."""
    parts, end = [], 0
    text = visible(text)
    for match in DOI.finditer(text):
        parts += [text[end : match.start()], LINK.format(f"https://doi.org/{match['doi']}", match[0])]
        end = match.end()
    return Markup("").join([*parts, text[end:]])


def _link(text: str) -> Markup | str:
    """A link where the whole text is a web address."""
    return LINK.format(visible(text), visible(text)) if text.startswith(WEB) else text


def _answer(value: bool | None) -> str:
    return {True: "yes", False: "no", None: UNVERIFIED}[value]


def _packaged(name: str) -> str:
    return package_files("mribench.data.html").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
