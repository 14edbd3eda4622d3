"""The page: its head, what every part is for, and the order of the parts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files as package_files
from itertools import zip_longest
from pathlib import Path
from typing import Any

from mribench.board import findings, sentences
from mribench.board.boards import Board
from mribench.board.html import machines, strips
from mribench.board.html.charts import charts
from mribench.board.html.cite import linked
from mribench.board.html.glance import Pictures, glance
from mribench.board.html.help import glossary, legend, reading
from mribench.board.html.markup import Markup, element, join
from mribench.board.html.panel import panel
from mribench.board.html.pictures import choose
from mribench.board.html.spent import spent
from mribench.board.html.table import Line, plain, table

TITLE = "mribench leaderboard"


def html(boards: Sequence[Board], out: Path, speed: Sequence[Mapping[str, Any]] = ()) -> str:
    """The boards as one HTML file to be kept in ``out``, where their pictures are; the same boards give the same text.

    speed: records of ``mribench speed``. Pictures are embedded, as many as fit ``pictures.BUDGET``.
    """
    anchors = [f"board-{i}" for i, _ in enumerate(boards, start=1)]
    pictures = choose(boards, out)
    main = element(
        "main",
        _top(boards, anchors, pictures),
        _interpretation(boards),
        _costs(boards, anchors),
        *(panel(board, pictures[i], anchors[i]) for i, board in enumerate(boards)),
        _reported(boards),
        machines.sections(speed),
        glossary(boards),
        id="main",
    )
    style, script = _packaged("style.css"), _packaged("script.js")
    body = element(
        "body",
        element("a", "Skip to the boards", href="#main", class_="skip"),
        strips.defined(),
        _header(boards, anchors),
        main,
        _viewer(),
        element("script", Markup(script)),
    )
    return f"<!doctype html>\n{element('html', _head(style, script), body, lang='en')}\n"


def _packaged(name: str) -> str:
    return (package_files("mribench.board.html") / name).read_text(encoding="utf-8")


def _head(style: str, script: str) -> Markup:
    allowed = f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
    return element(
        "head",
        element("meta", charset="utf-8"),
        element(
            "meta",
            http_equiv="Content-Security-Policy",
            content=allowed + "base-uri 'none'; form-action 'none'",
        ),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", TITLE),
        element("style", Markup(style)),
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _header(boards: Sequence[Board], anchors: Sequence[str]) -> Markup:
    links = [("#glance", "All organs", False)]
    links += [
        (f"#{a}", b.members[0].data["title"], bool(b.control_violations))
        for a, b in zip(anchors, boards, strict=True)
    ]
    items = [
        element("li", element("a", text + (" (invalid)" if bad else ""), href=to)) for to, text, bad in links
    ]
    return element(
        "header",
        element("p", TITLE, class_="brand"),
        element("nav", element("ul", *items), aria_label="Boards"),
        element("button", "Dark", type_="button", id="theme", hidden=True),
    )


def _top(boards: Sequence[Board], anchors: Sequence[str], pictures: Pictures) -> Markup:
    facts = [join(element("dt", name), element("dd", value)) for name, value in spent(boards)]
    bad = [b.members[0].data["title"] for b in boards if b.control_violations]
    warning = f"INVALID: {', '.join(bad)}. A control lands where it must not; nothing is ranked there."
    return element(
        "section",
        element("h1", "Diffusion models on medical images, organ by organ", id="glance"),
        element("dl", *(element("div", fact) for fact in facts), class_="facts"),
        element("p", element("b", warning), class_="invalid") if bad else None,
        glance(boards, anchors, pictures),
        legend(),
        reading(),
        aria_labelledby="glance",
    )


def _interpretation(boards: Sequence[Board]) -> Markup | None:
    said = findings.sections(boards)
    if not said:
        return None
    blocks = [
        element("div", element("h3", heading), element("ul", *(element("li", s) for s in lines)))
        for heading, lines in said
    ]
    return element(
        "section",
        element("h2", "What the numbers allow to say", id="reading"),
        *blocks,
        aria_labelledby="reading",
        class_="reading",
    )


def _costs(boards: Sequence[Board], anchors: Sequence[str]) -> Markup | None:
    drawn = [charts(board, anchor) for board, anchor in zip(boards, anchors, strict=True)]
    if not any(drawn):
        return None
    known = [d for d in drawn if d]
    # one organ: all of its drawings side by side; several: a block for each kind of cost
    kinds = known if len(known) == 1 else [list(filter(None, column)) for column in zip_longest(*known)]
    note = (
        "Lower is better, further left is cheaper; a dotted line joins what nothing else beats in both; "
        "hollow marks contest nothing. Shaded: halves "
        "of the test subjects against each other. The training budget (steps, batch, images) is part of what must be "
        "equal within a board."
    )
    return element(
        "section",
        element("h2", "Quality against cost", id="cost"),
        element("p", note, class_="about"),
        *(element("div", *column, class_="charts") for column in kinds),
        aria_labelledby="cost",
    )


def _reported(boards: Sequence[Board]) -> Markup | None:
    sources, rows = sentences.reported(boards)
    if not rows:
        return None
    lines = [Line([plain(organ), *(plain(f"{n:g}", float(n)) for n in numbers)]) for organ, numbers in rows]
    return element(
        "section",
        element("h2", "Reported, not reproduced", id="reported"),
        *(element("p", linked(source)) for source in sources),
        element("p", sentences.REPORTED_NOTE, class_="care"),
        table("Reported by the study, not reproduced", ["organ", *sentences.REPORTED.values()], lines),
        aria_labelledby="reported",
        class_="reported",
    )


def _viewer() -> Markup:
    """Where a single image is shown; closed, and so invisible, until the script opens it."""
    buttons = [
        element("button", text, type_="button", id=f"viewer-{name}", aria_label=label)
        for name, text, label in (
            ("previous", "←", "previous image"),
            ("next", "→", "next image"),
            ("close", "Close", "close (Escape)"),
        )
    ]
    return element(
        "dialog",
        element("canvas", id="viewer-canvas", role="img"),
        element("p", id="viewer-words", aria_live="polite"),
        element("div", *buttons, class_="buttons"),
        id="viewer",
        aria_label="One image, enlarged",
    )
