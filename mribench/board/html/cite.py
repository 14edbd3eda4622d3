"""Citations with the identifiers in them as links; nothing else on the page points out of it."""

from __future__ import annotations

import re

from mribench.board.html.markup import Markup, element, join

ARXIV = r"(?:arXiv[: ]?)(?P<arxiv>\d{4}\.\d{4,5})"
DOI = r"(?:doi[: ]|https://doi\.org/)(?P<doi>10\.\d{4,9}/[^\s;,]*[^\s;,.])"
IDENTIFIER = re.compile(f"{ARXIV}|{DOI}", re.IGNORECASE)
WEB = re.compile(r"https?://[^\s\"'<>]+")


def linked(text: str) -> Markup:
    """arXiv numbers and DOIs become links."""
    parts, end = [], 0
    for found in IDENTIFIER.finditer(text):
        parts += [text[end : found.start()], element("a", found[0], href=_address(found), rel="noreferrer")]
        end = found.end()
    return join(*parts, text[end:])


def homepage(text: str) -> Markup:
    """A link where the whole text is a web address, else the text as it is."""
    if WEB.fullmatch(text):
        return element("a", text, href=text, rel="noreferrer")
    return join(text)


def _address(found: re.Match[str]) -> str:
    if found["arxiv"]:
        return f"https://arxiv.org/abs/{found['arxiv']}"
    return f"https://doi.org/{found['doi']}"
