"""HTML and SVG from nested calls. Text is escaped; only what came out of ``element`` is taken as it is."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

# elements that have no end tag
VOID = {"meta", "img", "br", "col"}
# elements of a drawing that hold nothing: closed where they open
SHAPES = {"path", "line", "rect", "circle", "polygon", "use"}


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | Iterable["Child"] | None
Value = str | int | float | bool | None


def element(tag: str, /, *children: Child, **attributes: Value) -> Markup:
    """``element("td", "a < b", class_="x", data_value=3)``: '<td class="x" data-value="3">a &lt; b</td>'.

    An attribute that is None or False is left out, one that is True stands without a value; floats get two decimals.
    """
    words = "".join(_attribute(key, value) for key, value in attributes.items())
    if tag in SHAPES and not children:
        return Markup(f"<{tag}{words}/>")
    return Markup(f"<{tag}{words}>" + ("" if tag in VOID else f"{join(*children)}</{tag}>"))


def join(*children: Child) -> Markup:
    """Children one after the other; None is nothing."""
    return Markup("".join(map(_child, children)))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, str):
        return child if isinstance(child, Markup) else escape(child)
    return join(*child)


def _attribute(key: str, value: Value) -> str:
    if value is None or value is False:
        return ""
    # class_ is Python's way round its own word, viewBox is SVG's spelling
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    text = format(value, ".2f").rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {name}="{escape(text)}"'
