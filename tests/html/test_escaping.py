"""Text of a record stays text, whatever it looks like, and only web addresses become links."""

import re
from dataclasses import asdict, replace
from importlib.resources import files

import pytest
from jinja2 import UndefinedError
from test_page import Document

from mribench.board.boards import boards
from mribench.board.html.page import cited, environment, homepage, html
from mribench.spec import Score

NASTY = """<script>alert("x")</script>'<img src=x onerror=y>{{ 7 * 7 }}{% raw %}&amp; """
SAFE_LINK = re.compile(
    r"#[a-z0-9-]+$|leaderboard\.(csv|json|md)$|results/[\w./%-]+$|figures/[\w.%-]+$|https?://"
)


@pytest.fixture
def wild(result):
    """A record in which every text is nasty and names its field."""
    about = {"title": NASTY + "title", "unit": NASTY + "unit", "direction": "down", "paper": NASTY + "paper"}
    terms = {name: NASTY + name for name in ("title", "licence", "access", "homepage", "citation")}
    audit = {"verdict": NASTY + "verdict", "reasons": [NASTY + "reasons"]}
    scores = (
        Score("kd", 10.0, 24, 4, 8.0, 12.0, 12, NASTY + "space"),
        Score("fd", None, 24, 4, reason=NASTY + "reason", space=NASTY + "space"),
    )
    provenance = {
        "training": {"images_seen": 320, "seconds": 3.6},
        "machine": {"device": NASTY + "device", "threads": 2},
        "versions": {"torch": NASTY + "version", "mribench": "0.1.0", "diffusers": "0.38"},
        "plugins": {"variant": NASTY + "plugin"},
        "checkpoint": NASTY + "checkpoint",
        "profile": {
            "name": NASTY + "budget",
            "batch_size": 16,
            "prediction": "epsilon",
            "keep": "best",
        },
    }
    one = result(
        scores=scores,
        metrics={"kd": about, "fd": about},
        variant=NASTY + "variant",
        sampler=NASTY + "sampler",
        task=NASTY + "task",
        audit=audit,
        provenance=provenance,
        reported={"source": NASTY + "source", "psnr": 1, "ssim": 1, "mse": 1, "mae": 1, "fid": 1},
        same={name: NASTY + name for name in ("data", "profile", "data_kind", "modality")},
        modality=NASTY + "modality",
        spaces={NASTY + "space": {"trusted": False, "reason": NASTY + "untrusted"}},
    )
    data = {"title": NASTY + "organ", "contrast": NASTY + "contrast", "terms": [terms]}
    return replace(one, data=one.data | data)


def nasty_texts(value):
    """Every nasty text within a record, also those that are keys."""
    match value:
        case str():
            return {value} if value.startswith(NASTY) else set()
        case dict():
            return set().union(*map(nasty_texts, [*value, *value.values()]))
        case list() | tuple():
            return set().union(*map(nasty_texts, value))
    return set()


def test_every_text_of_a_record_is_escaped(wild, tmp_path):
    text = html(boards([wild]), tmp_path)
    document = Document(text)
    assert [s.get("type") for s in document.all("script")] == ["application/json", None] and not document.all(
        "img"
    )
    assert not [key for _, attributes in document.elements for key in attributes if key.startswith("on")]
    shown = "".join(document.text)
    # the settings of a profile are shown as JSON, which escapes quotes
    shown += shown.replace('\\"', '"')
    hidden = " ".join(v or "" for _, attributes in document.elements for v in attributes.values())
    texts = nasty_texts(asdict(wild))
    assert len(texts) > 25 and {text for text in texts if text not in shown + hidden} == set()
    assert "49" not in shown


def test_no_record_makes_a_link_of_its_own(wild, tmp_path):
    terms = [{"homepage": "javascript:alert(1)", "citation": "javascript:alert(1)"}]
    wild = replace(wild, data=wild.data | {"terms": terms})
    links = [a["href"] for a in Document(html(boards([wild]), tmp_path)).all("a")]
    assert links and [link for link in links if not SAFE_LINK.match(link)] == []


def test_templates_escape_everything_and_know_every_name():
    made = environment()
    assert made.autoescape is True
    assert made.from_string("{{ text }}").render(text="<") == "&lt;"
    with pytest.raises(UndefinedError):
        made.from_string("{{ misspelt }}").render()
    for path in (files("mribench.board.html") / "templates").iterdir():
        assert not re.search(r"\|\s*safe|autoescape|Markup", path.read_text()), path.name


def test_citations_become_links():
    said = cited("Ho et al., arXiv 2006.11239; Wang, doi:10.1109/TIP.2003.819861, <i>")
    assert '<a href="https://arxiv.org/abs/2006.11239" rel="noreferrer">arXiv 2006.11239</a>;' in said
    assert 'href="https://doi.org/10.1109/TIP.2003.819861"' in said and said.endswith(", &lt;i&gt;")
    assert cited("no identifier & more") == "no identifier &amp; more"


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "unverified", "https://a.org/ b", 'https://a.org/"x', "ftp://a.org"]
)
def test_only_a_web_address_is_a_link(text):
    assert "<a" not in homepage(text)
    assert homepage("https://a.org/b?c=1&d") == (
        '<a href="https://a.org/b?c=1&amp;d" rel="noreferrer">https://a.org/b?c=1&amp;d</a>'
    )
