"""The catalogue as a page: what the command writes is what lies in registry/, and no card can change it."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from chromium import Page, binary

from mribench.data.cards import catalogue
from mribench.data.cards.card import CardFile, Evidence, Overlap
from mribench.data.html.page import html

SHIPPED = catalogue.load_cards(catalogue.registry())
EVIL = "\"'><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>"


class Seen(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_of_the_registry_is_what_the_command_writes(mribench, tmp_path):
    ended = mribench("data", "catalogue", "--out", tmp_path / "index.html")
    assert ended.code == 0
    kept = catalogue.registry() / "index.html"
    assert (tmp_path / "index.html").read_text() == kept.read_text(), (
        "a card or the page changed: run mribench data catalogue --out registry/index.html"
    )


def test_every_card_can_be_linked_to_and_needs_nothing_from_elsewhere():
    seen = Seen(html(SHIPPED.values()))
    ids = {about.get("id") for tag, about in seen.tags if tag == "details"}
    assert ids == set(SHIPPED)
    assert not [tag for tag, about in seen.tags if tag in ("img", "link", "iframe") or "src" in about]
    links = [about["href"] for tag, about in seen.tags if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= ids
    assert all(link.startswith(("#", "https://", "http://")) for link in links)


def test_what_a_card_says_is_text_and_nothing_else():
    hostile = replace(
        SHIPPED["spider"],
        **dict.fromkeys(("title", "contrast", "population", "official_split", "bibtex", "citation"), EVIL),
        **dict.fromkeys(("licence", "how_to_apply", "homepage", "version", "organ"), EVIL),
        labels=(EVIL,),
        caveats=(EVIL,),
        evidence=(Evidence(("licence",), EVIL, EVIL),),
        overlaps=(Overlap(EVIL, EVIL, EVIL),),
        files=(CardFile(f"https://example.org/{EVIL}", EVIL),),
    )
    plain, seen = Seen(html([SHIPPED["spider"]])), Seen(html([hostile]))
    assert not [
        tag for tag, about in seen.tags if tag == "img" or any(name.startswith("on") for name in about)
    ]
    assert sum(tag == "script" for tag, _ in seen.tags) == sum(tag == "script" for tag, _ in plain.tags) == 1
    assert sum(EVIL in text for text in seen.texts) >= 10


def test_the_command_names_a_folder_without_cards(mribench, tmp_path):
    ended = mribench("data", "catalogue", "--cards", tmp_path, "--out", tmp_path / "a.html")
    assert ended.code == 2 and "holds no card" in ended.err and not (tmp_path / "a.html").exists()


@pytest.mark.slow
@pytest.mark.skipif(binary() is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_finds_filters_and_opens(width):
    with Page(catalogue.registry() / "index.html", width) as page:

        def say(id, property, value):
            page.ask(f"document.getElementById('{id}').{property} = {value}")
            page.ask(f"document.getElementById('{id}').dispatchEvent(new Event('input', {{bubbles: true}}))")

        def shown():
            return set(
                page.ask("[...document.querySelectorAll('.card')].filter(c => !c.hidden).map(c => c.id)")
            )

        assert shown() == set(SHIPPED)
        say("words", "value", "'Glioma flair'")
        assert {"ucsf_pdgm", "brats21"} <= shown() and len(shown()) < 10
        say("words", "value", "''")
        say("organ", "value", "'kidney'")
        say("fetched", "checked", "true")
        expected = catalogue.choose(SHIPPED.values(), organ="kidney", fetchable=True)
        assert shown() == {card.id for card in expected}
        say("words", "value", "'no such thing'")
        assert shown() == set() and page.ask("!document.getElementById('none').hidden")
        # a link to a card shows it, whatever is filtered
        page.ask("location.hash = '#spider'")
        page.until("document.getElementById('spider').open")
        assert shown() == set(SHIPPED)
        page.ask("for (const card of document.querySelectorAll('.card')) card.open = true")
        assert page.ask("document.documentElement.scrollWidth") <= width
        assert page.problems() == []
