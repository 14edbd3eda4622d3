"""What is text stays text, whatever it looks like."""

import pytest

from mribench.board.html.cite import homepage, linked
from mribench.board.html.markup import Markup, element, join


def test_text_is_escaped_and_markup_is_not():
    inner = element("b", "1 < 2")
    assert element("p", "a & ", inner, None, [" c", [" d"]]) == "<p>a &amp; <b>1 &lt; 2</b> c d</p>"
    assert isinstance(join("<"), Markup) and join("<") == "&lt;"


def test_a_string_made_from_markup_is_text_again():
    assert element("p", str(element("b", "x")) + "") == "<p>&lt;b&gt;x&lt;/b&gt;</p>"


@pytest.mark.parametrize(
    ("attributes", "written"),
    [
        ({"class_": "a b"}, ' class="a b"'),
        ({"data_value": '"><script>'}, ' data-value="&quot;&gt;&lt;script&gt;"'),
        ({"hidden": True, "id": None, "open": False}, " hidden"),
        ({"x": 1.5, "y": 2.0, "r": 0.126, "n": 10}, ' x="1.5" y="2" r="0.13" n="10"'),
        ({"viewBox": "0 0 1 1", "text_anchor": "end"}, ' viewBox="0 0 1 1" text-anchor="end"'),
    ],
)
def test_attributes(attributes, written):
    assert element("g", **attributes) == f"<g{written}></g>"
    assert element("img", **attributes) == f"<img{written}>"


def test_citations_become_links():
    said = linked("Ho et al., arXiv 2006.11239; Wang, doi:10.1109/TIP.2003.819861, <i>")
    assert '<a href="https://arxiv.org/abs/2006.11239" rel="noreferrer">arXiv 2006.11239</a>;' in said
    assert 'href="https://doi.org/10.1109/TIP.2003.819861"' in said and said.endswith(", &lt;i&gt;")
    assert linked("no identifier & more") == "no identifier &amp; more"


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "unverified", "https://a.org/ b", 'https://a.org/"x']
)
def test_only_a_web_address_is_a_link(text):
    assert "<a" not in homepage(text)
    assert homepage("https://a.org/b?c=1&d") == (
        '<a href="https://a.org/b?c=1&amp;d" rel="noreferrer">https://a.org/b?c=1&amp;d</a>'
    )
