"""Words of a record stay text in every output, whatever they look like."""

import csv
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from mribench import escaping
from mribench._version import __version__
from mribench.board import compare, export
from mribench.board.boards import boards
from mribench.board.html.page import html
from mribench.board.markdown import markdown
from mribench.cli import console
from mribench.hub import card, metadata, release
from mribench.hub.cells import TrainedCell
from mribench.hub.release import Release
from mribench.spec import Score

ANSI = "\x1b[31m\x1b]8;;http://evil\x07\x9b2J"
BIDI = "\u202e\u2066\u200f"
TAGS = "<script>alert(1)</script><img src=x onerror=y>"
MARKUP = f"{TAGS}](javascript:alert(1))![x](y)[z]: w |`a`**b** _c_ ~~d~~\n\n# e\n- f"
RICH = "[bold red]g[/bold red][link=http://evil]h[/link]"
HOSTILE = f"=cmd()|{MARKUP}\r\n{RICH}{ANSI}{BIDI}{{{{ 7 * 7 }}}}{{% raw %}}&lt;"


@pytest.fixture
def hostile(result):
    """``hostile()``: a record with hostile words in every text that is no name."""

    def word(name):
        return f"{HOSTILE}{name}"

    scores = (
        Score("kd", 10.0, 24, 40, 8.0, 12.0, 12, word("space")),
        Score("psnr", 10.0, 24, 40, 8.0, 12.0, level=0.5, per_subject=(1.0, 2.0)),
        Score("fd", None, 24, 40, reason=word("reason"), space=word("space")),
    )
    about = {"title": word("title"), "unit": word("unit"), "direction": "down", "paper": word("paper")}
    flags = dict.fromkeys(("redistributable", "derived", "commercial", "attribution", "share_alike"), True)
    terms = {name: word(name) for name in ("data", "title", "licence", "homepage", "citation")}
    provenance = {
        "training": {"steps": 5, "images_seen": 320, "seconds": 3.6, "prediction": word("prediction")},
        "produced": {"nfe": [5], "gflops_per_evaluation": 1.0},
        "machine": {"device": word("device"), "threads": 2},
        "versions": {name: word("version") for name in ("torch", "mribench", "diffusers")},
        "plugins": {"variant": word("plugin")},
        "git_commit": word("commit"),
        "checkpoint": "checkpoint",
        "spec": {"profile": word("profile"), "precision": word("precision")},
        "profile": {"name": word("budget"), "batch_size": 16, "prediction": "epsilon", "keep": "best"}
        | {"optimizer": word("optimizer"), "lr": 1.0, "ema_decay": None, "precision": word("precision")},
    }

    def make(**changes):
        one = result(
            scores=scores,
            metrics=dict.fromkeys(("kd", "psnr", "fd"), about),
            audit={"verdict": f"suspect {HOSTILE}", "reasons": [word("reasons")]},
            provenance=provenance,
            reported={"source": word("source"), "psnr": 1, "ssim": 1, "mse": 1, "mae": 1, "fid": 1},
            same={name: word(name) for name in ("data", "profile", "data_kind")},
            spaces={word("space"): {"trusted": False, "reason": word("untrusted")}},
            level_name=word("level"),
        )
        data = {
            "title": word("organ"),
            "contrast": word("contrast"),
            "terms": [terms | flags | {"access": "open"}],
        }
        return replace(one, data=one.data | data, **changes)

    return make


@pytest.fixture
def made(hostile):
    return boards([hostile(), hostile(variant="gaussian", is_control=True)])


class Elements(HTMLParser):
    """The attributes of every element of a page, as a browser reads them."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append(attrs)


def invisible(text):
    return sorted({c for c in text if escaping.INVISIBLE.match(c)})


def check_markdown(text):
    """Rendered as GitHub does, the page holds no element, link or image that the words brought."""
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    assert not invisible(text)
    assert "<script" not in rendered and "<img" not in rendered and "javascript:alert(1)" in rendered
    assert not re.search(
        r"href=.javascript|<code>a</code>|<strong>b</strong>|<em>c</em>|<s>d</s>|>\s*e\s*<", rendered
    )
    return rendered


def test_markdown_of_a_board_shows_hostile_words_as_text(made, tmp_path):
    rendered = check_markdown(markdown(made, tmp_path))
    # every row has as many cells as the table has columns
    for table in re.findall(r"<table>.*?</table>", rendered, re.DOTALL):
        rows = re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
        assert len({row.count("<td>") + row.count("<th>") for row in rows}) == 1
    lists = re.sub(r"<table>.*?</table>", "", rendered, flags=re.DOTALL)
    assert lists.count("<h1>") == 1


def test_the_page_shows_hostile_words_as_text(made, tmp_path):
    text = html(made, tmp_path)
    # the numbers of the comparison, and the code
    assert not invisible(text) and text.count("<script") == text.count("</script") == 2 and "<img" not in text
    attributes = [one for element in Elements(text).found for one in element]
    assert not [name for name, _ in attributes if name.startswith("on")]
    assert not [value for name, value in attributes if name in ("href", "src") and value.startswith("j")]
    assert "{{ 7 * 7 }}" in text
    assert "&lt;script&gt;alert(1)" in text and "\ufffd" in text


def test_no_cell_of_the_table_is_a_formula_and_numbers_stay_numbers(made):
    text = export.csv_text(made)
    assert not invisible(text)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert any("cmd()" in cell for cell in rows[0].values())
    for row in rows:
        for name, cell in row.items():
            assert not cell or (cell[0] not in "=+@\t\r" and (cell[0] != "-" or float(cell) < 0)), name
    assert {row["value"] for row in rows} == {"10.0", ""}


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"), ("\t=1", "'=1"), ("\r=1", "'=1"),
        ("\uff1d1", "'\uff1d1"),
        (-1.5, -1.5), (0, 0), (None, None), ("ddpm", "ddpm"), ("1-3", "1-3"), ("a\r\nb", "a b"),
    ],
)  # fmt: skip
def test_a_formula_gets_an_apostrophe(value, cell):
    assert escaping.csv_cell(value) == cell


def test_json_escapes_what_cannot_be_seen_and_means_the_same(made):
    text = export.json_text(made)
    assert not invisible(text)
    assert json.loads(text)[0]["comparability"]["data"] == f"{HOSTILE}data"


def test_the_terminal_gets_no_sequence_and_no_markup(hostile, made, capsys):
    with console.console.capture() as caught:
        console.boards(made)
        other = hostile(variant="b")
        elsewhere = replace(other, comparability=other.comparability | {"data": f"{HOSTILE}elsewhere"})
        console.comparison(compare.compare([hostile()], [other]))
        console.comparison(compare.compare([hostile()], [elsewhere]))
        console.checks([(HOSTILE, "ok", HOSTILE)])
    shown = caught.get()
    assert not invisible(shown) and "\x1b" not in shown and "\r" not in shown
    assert "[bold red]" in shown.replace("\n", "")


def test_a_failure_and_a_progress_line_show_no_sequence(mribench, capsys):
    from mribench.progress import say

    ended = mribench("compare", HOSTILE, "b")
    assert ended.code == 2 and not invisible(ended.err)
    say(HOSTILE)
    assert not invisible(capsys.readouterr().err)


def test_the_model_card_shows_hostile_words_as_text(hostile, made, tmp_path):
    own = hostile()
    plugins = {"variant": "methods 1.2; evil()", "sampler": "`evil()` 1", "modality": HOSTILE}
    own = replace(own, provenance={**own.provenance, "plugins": plugins})
    beside = tuple(result for board in made for result in board.members)
    cell = TrainedCell(tmp_path, "cell", "checkpoint", (own,), (own, *beside))
    goal = Release("alice/model", False, release.licence(cell.rows))
    text = card.markdown(cell, [own], cell.rows, release.gravest_audit([own]), goal, None)
    head, body = text.removeprefix("---\n").split("\n---\n", 1)
    check_markdown(body)
    (install,) = (line for line in body.splitlines() if line.startswith("pip install"))
    assert install == f"pip install mribench=={__version__}"
    assert not invisible(metadata.eval_results([own], "alice/board"))
    # the front matter is YAML, which quotes and escapes
    assert not invisible(head)


def test_no_fence_is_closed_from_inside():
    text = escaping.markdown_code("a\n```\n<script>\n````", "sh")
    assert MarkdownIt().render(text).count("<pre>") == 1 and "<script>" not in MarkdownIt().render(text)
