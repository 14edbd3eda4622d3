"""The page: values from ``view``, pictures and drawings, printed by the templates."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from mribench.board.boards import Board
from mribench.board.html import strips, view
from mribench.board.html.charts import quality_against_cost
from mribench.board.html.critical import diagram
from mribench.board.html.machines import Machine
from mribench.board.html.matrix import matrix
from mribench.board.html.origin import origin
from mribench.board.html.pairs import for_script
from mribench.board.html.pictures import BUDGET, BUDGET_OF_MANY, choose
from mribench.board.html.sampling import sampler_tables
from mribench.board.html.solvers import solver_sections
from mribench.board.html.summary import facts, summary
from mribench.board.over_organs import over_organs
from mribench.escaping import visible

ARXIV = r"(?:arXiv[: ]?)(?P<arxiv>\d{4}\.\d{4,5})"
DOI = r"(?:doi[: ]|https://doi\.org/)(?P<doi>10\.\d{4,9}/[^\s;,]*[^\s;,.])"
IDENTIFIER = re.compile(f"{ARXIV}|{DOI}", re.IGNORECASE)
WEB = re.compile(r"https?://[^\s\"'<>]+")
LINK = Markup('<a href="{}" rel="noreferrer">{}</a>')


def html(
    boards: Sequence[Board], out: Path, speed: Sequence[Machine] = (), beside: Sequence[str] = ()
) -> str:
    """The boards as one HTML file; the same boards give the same text.

    Args:
        boards: All boards of the page.
        out: Folder in which the page will lie, beside its records and pictures. Pictures are embedded, as many as fit
            ``pictures.BUDGET``.
        speed: Machines that ``mribench speed`` measured.
        beside: Names of files beside the page that hold the same numbers.
    """
    views = view.views(boards)
    many = any(board.many for board in views)
    pictures = choose(views, out, BUDGET_OF_MANY if many else BUDGET)
    style, script = _packaged("style.css"), _packaged("script.js") + _packaged("choose.js")
    return (
        environment()
        .get_template("page.html")
        .render(
            style=Markup(style),
            script=Markup(script),
            policy=f"style-src {content_hash(style)}; script-src {content_hash(script)}",
            boards=views,
            facts=facts(views),
            summary=summary(views, pictures),
            matrix=matrix(views) if many else None,
            legend=strips.legend(),
            findings=view.findings_of(boards),
            diagrams=[diagram(found, f"organs-{n}") for n, found in enumerate(over_organs(boards), start=1)],
            costs=quality_against_cost(views),
            sampler_tables=sampler_tables(boards, views),
            solvers=solver_sections(boards, views),
            pictures=pictures,
            origins={board.id: origin(board, out) for board in views},
            reported=view.reported(boards),
            machines=speed,
            beside=beside,
            glossary=view.glossary(boards),
            data=for_script(boards, views),
        )
    )


@cache
def environment(package: str = "mribench.board.html") -> Environment:
    """Templates escape whatever they print, show what is invisible, and stop at a name that does not exist."""
    made = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"cited": cited, "homepage": homepage, "px": strips.pixels}
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "sort_keys": True}
    return made


def _visible(value: object) -> object:
    """Of a text of a record; markup is ours."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def cited(text: str) -> Markup:
    """arXiv numbers and DOIs become links."""
    parts, end = [], 0
    text = visible(text)
    for match in IDENTIFIER.finditer(text):
        parts += [text[end : match.start()], LINK.format(_address(match), match[0])]
        end = match.end()
    return Markup("").join([*parts, text[end:]])


def homepage(text: str) -> Markup:
    """A link where the whole text is a web address, else the text as it is."""
    text = visible(text)
    return LINK.format(text, text) if WEB.fullmatch(text) else escape(text)


def _address(match: re.Match[str]) -> str:
    if match["arxiv"]:
        return f"https://arxiv.org/abs/{match['arxiv']}"
    return f"https://doi.org/{match['doi']}"


def _packaged(name: str) -> str:
    return (package_files("mribench.board.html") / name).read_text(encoding="utf-8")


def content_hash(text: str) -> str:
    """Of a style or script, as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
