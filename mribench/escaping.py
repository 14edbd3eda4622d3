"""Words of records and cards, which may come from anybody, as each medium shows them: as text and as nothing else.

HTML has Jinja's autoescape, which the page's environment joins with ``visible``.
"""

from __future__ import annotations

import re
from typing import Any

# control characters but tab and line breaks, marks that turn the direction of text, zero-width and line separators,
# halves of surrogate pairs
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
# escaped wherever it is; a pipe ends a cell, a bracket before one of "([:" makes a link
MARKUP = re.compile(r"[\\`*<|~]|\](?=[(\[:])|&(?=#?\w+;)|(?<!\w)_|_(?!\w)")
# escaped at the beginning of a line only: headings, quotes, lists, rules
BEGINNING = re.compile(r"[#>=]|[-+](?=[\s-]|$)|\d+(?=[.)](\s|$))")
# what a spreadsheet takes for the beginning of a formula, also in full width
FORMULA = re.compile("[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]")


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def visible(text: str) -> str:
    """The text with U+FFFD in place of what a reader cannot see."""
    return INVISIBLE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """``visible`` text with single spaces for line breaks and tabs."""
    return " ".join(visible(text).split())


def terminal(text: str) -> str:
    """One line of a terminal: no escape sequence, no line break; spaces in front stay."""
    return re.sub(r"[\t\r\n]+", " ", visible(text))


def markdown(text: str) -> Markdown:
    """One line of Markdown that shows the text; what is ``Markdown`` already stays."""
    if isinstance(text, Markdown):
        return text
    plain = one_line(text)
    inner = MARKUP.sub(lambda found: {"<": "&lt;", "&": "&amp;"}.get(found[0], f"\\{found[0]}"), plain)
    if found := BEGINNING.match(plain):
        at = len(found[0]) if found[0].isdecimal() else 0
        inner = f"{inner[:at]}\\{inner[at:]}"
    return Markdown(inner)


def markdown_code(text: str, language: str = "") -> Markdown:
    """A fenced block of lines of code, whose fence no line of it can close."""
    lines = [visible(line) for line in text.split("\n")]
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Markdown("\n".join([f"{fence}{language}", *lines, fence]))


def csv_cell(value: Any) -> Any:
    """A number as it is; a text on one line, behind an apostrophe where a spreadsheet would take it for a formula."""
    if not isinstance(value, str):
        return value
    plain = one_line(value)
    return f"'{plain}" if FORMULA.match(plain) else plain


def json_text(text: str) -> str:
    """JSON with escapes in place of what a reader cannot see; the values stay the same."""
    return INVISIBLE.sub(lambda found: _json_escape(found[0]), text)


def _json_escape(character: str) -> str:
    pairs = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{pairs[i : i + 4]}" for i in range(0, len(pairs), 4))
