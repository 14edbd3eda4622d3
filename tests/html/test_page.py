"""The page as a document: well formed, of one piece, escaped, the same every time, and honest about what is missing."""

import base64
import hashlib
import itertools
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from mribench import figures, files
from mribench.board import disclosure, publish
from mribench.board.boards import boards
from mribench.board.html import pictures
from mribench.board.html.machines import read
from mribench.board.html.page import environment, html
from mribench.board.html.view import views
from mribench.board.pareto import Point, pareto
from mribench.errors import InputError
from mribench.spec import Score

# elements without an end tag
VOID = {"meta", "img", "br", "col", "link", "input", "hr"}
MADE = {
    "training": {"images_seen": 320, "seconds": 3.6},
    "produced": {"nfe": [5], "gflops_per_evaluation": 2.0},
}
REPORTED = {"source": "A study", "psnr": 40.1, "ssim": 0.7, "mse": 2.0, "mae": 0.6, "fid": 52.9}


class Document(HTMLParser):
    """Checks nesting while it reads; keeps every element, and the text of table rows."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.text, self.rows = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        assert len(dict(attributes)) == len(attributes), f"an attribute twice in <{tag}>"
        self.elements.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text.append(data)
            if "tr" in self.open:
                self.rows[-1] += data + " "

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def row(self, *words):
        return next(row for row in self.rows if all(word in row for word in words))


def drawing(path, n=10, columns=8, size=32):
    images = np.random.default_rng(0).integers(0, 250, (n, size, size), dtype=np.uint8)
    figures.save(path, figures.captioned(figures.grid(images, columns), "words"))


def trained(result):
    """With a checkpoint of its own."""
    checkpoint = f"{result.name}-{result.seed}"
    more = {"checkpoint": checkpoint, "checkpoint_sha256": checkpoint, "outputs": checkpoint}
    return replace(result, provenance=result.provenance | more)


@pytest.fixture
def found(scored, controls, result):
    """Two organs with everything: seeds, controls, floor, audit, several samplers, reported numbers."""
    rows = [
        scored(value=value + seed, seed=seed, sampler=sampler, provenance=MADE, reported=REPORTED)
        for seed in (0, 1)
        for sampler, value in (("ddim-5", 100.0), ("ddim-50", 60.0))
    ]
    copied = {"verdict": "MEMORISES", "reasons": ["all of them"]}
    copier = scored("copier", 3.0, audit=copied, provenance=MADE, reported=REPORTED)
    lung = result(modality="lung", same={"modality": "lung"}, provenance=MADE)
    return [*map(trained, rows), trained(copier), *controls, lung]


def page(results, out):
    text = html(boards(results), out)
    return text, Document(text)


def test_the_document_is_of_one_piece(found, tmp_path):
    drawing(tmp_path / "a.png")
    with_picture = replace(found[0], figures={"samples": "a.png"})
    _, document = page([with_picture, *found[1:]], tmp_path)
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a["href"] for a in document.all("a")]
    assert {t[1:] for t in targets if t.startswith("#")} <= set(ids)
    named = [a[k] for _, a in document.elements for k in ("aria-labelledby", "for") if k in a]
    assert set(named) <= set(ids)
    sources = [a[k] for _, a in document.elements for k in ("src", "srcset", "data", "poster") if k in a]
    assert sources and all(s.startswith("data:image/webp;base64,") for s in sources)
    assert (
        not document.all("link")
        and not document.all("iframe")
        and "style" not in {k for _, a in document.elements for k in a}
    )
    assert all(a.get("alt") for a in document.all("img"))
    assert len(document.all("table")) == len(document.all("caption"))
    assert all(
        re.match(r"#|results/|leaderboard\.(csv|json|md)$|a\.png$|https://(arxiv|doi)\.org/", t)
        for t in targets
    ), targets
    assert document.all("html")[0]["lang"] == "en" and len(document.all("h1")) == 1


def test_the_menu_names_the_sections_that_there_are(found, controls, scored, tmp_path):
    def sections(results):
        text, _ = page(results, tmp_path)
        return re.findall(r'href="#(\w+)"', text[text.index("<nav") : text.index("</nav>")])

    assert sections(found) == ["summary", "findings", "cost"]
    assert sections([scored(), *controls]) == ["summary", "findings"]


def test_anchors_are_names_and_stay_when_a_board_joins(found, tmp_path):
    _, document = page([one for one in found if one.modality == "brain"], tmp_path)
    _, with_lung = page(found, tmp_path)
    ids = [
        {attributes["id"] for _, attributes in d.elements if "id" in attributes}
        for d in (document, with_lung)
    ]
    assert {"board-brain-phantom-quick", "board-brain-phantom-quick-ddpm-ddim-50"} <= ids[0] <= ids[1]
    other = [replace(one, comparability=one.comparability | {"budget": "f" * 12}) for one in found[:1]]
    _, twice = page([*found, *other], tmp_path)
    assert {"board-brain-phantom-quick", "board-brain-phantom-quick-2"} <= {
        a.get("id") for a in twice.all("h2")
    }


def test_the_bold_number_of_the_summary_is_the_one_that_ranks(scored, tmp_path):
    score = scored().scores[0]
    lung = {"modality": "lung", "same": {"modality": "lung"}}
    spaces = {"hc85-v1": {"trusted": False, "reason": "it sees no lung"}}
    two = (score, replace(score, space="gist208-v1", value=73.6))
    _, document = page([scored(), scored(scores=two, spaces=spaces, **lung)], tmp_path)
    summary = document.rows[1:3]
    assert "KD[hc85-v1]" in summary[0] and "KD[gist208-v1]" in summary[1]
    assert summary[1].index("73.6") < summary[1].index("100.0")


def test_nothing_but_this_style_and_this_script_may_run(found, tmp_path):
    text, document = page(found, tmp_path)
    policy = next(
        a["content"] for a in document.all("meta") if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy
    for tag in ("style", "script"):
        (body,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not [k for _, a in document.elements for k in a if k.startswith("on")]


def test_the_same_results_give_the_same_bytes(found, tmp_path):
    drawing(tmp_path / "a.png")
    few = found[:2] + found[-2:]
    assert len({html(boards(shuffled), tmp_path) for shuffled in itertools.permutations(few)}) == 1


def test_numbers_ranks_and_verdicts_stand_in_their_rows(found, audited, tmp_path):
    _, document = page(audited(found), tmp_path)
    assert "60.5  ± 0.7 [" in document.row("ddpm ddim-50") and "▲ ahead" in document.row(
        "Brain", "ddpm ddim-50"
    )
    assert "audit: MEMORISES" in document.row("Brain", "copier")
    for name in ("real train", "half against half", "gaussian", "noise"):
        assert document.row(name)
    said = "".join(document.text)
    assert "INVALID" not in said and "52.9" in document.row("Brain", "40.1") and "not reproduced" in said
    assert "Only 4 test subjects" in said and "What is not known" in said


def test_what_made_a_row_is_said_once_where_all_agree(found, tmp_path):
    commits = ["a" * 40, "b" * 40]
    made = [
        replace(r, provenance=MADE | {"git_commit": commits[r.is_control], "versions": {"torch": "2.9"}})
        for r in found[:-1]
    ]
    text, document = page(made, tmp_path)
    assert text.count("torch 2.9") == 1 and "commit a" not in text
    # who differs says so itself, record by record
    assert "a" * 12 in document.row("generation", "3.6")
    assert text.count("b" * 12) == sum(r.is_control for r in made)


def test_the_audit_of_every_seed_is_a_line(found, tmp_path):
    audit = {
        "verdict": "suspect",
        "reasons": ["the loss tells"],
        "copy_rate": 0.01,
        "low": 0.0,
        "high": 0.03,
        "findings": {"membership": {"auroc": 0.61, "low": 0.56, "high": None}, "gap": {"p": None}},
    }
    _, document = page([replace(found[0], audit=audit), *found[1:]], tmp_path)
    line = document.row("suspect", "the loss tells")
    assert "1.0% [0.0%, 3.0%]" in line and "0.61" in line and "None" not in line
    assert document.row("copier", "MEMORISES", "all of them")


def test_an_invalid_board_is_loud_everywhere(scored, controls, tmp_path):
    wrong = [one for one in controls if one.variant != "blur"]
    wrong.append(scored("blur", 1.0, is_control=True))
    text, document = page([scored(), *wrong], tmp_path)
    assert "INVALID: Brain." in text and "INVALID BOARD" in text and "Brain (invalid)" in text
    assert "INVALID" in document.row("Brain", "ddpm") and "the board is invalid" in document.row(
        "Brain", "ddpm"
    )


def test_what_is_blank_is_said_and_takes_no_column(result, tmp_path):
    about = {"fid": {"title": "", "unit": "", "direction": "down", "paper": ""}, **result().metrics}
    scores = (Score("fid", None, 24, 4, reason="no <weights>", space="inception"), *result().scores)
    text, document = page([result(scores=scores, metrics=about)], tmp_path)
    assert "FID" not in document.rows[0] and "FID ↓ is blank: no &lt;weights&gt;" in text


def test_an_empty_board_and_nothing_known(result, tmp_path):
    bare = result(scores=(), provenance={}, figures={"samples": "gone.png"})
    _, document = page([bare], tmp_path)
    assert "ddpm" in document.row("Brain")
    assert not document.all("figure")


@pytest.fixture
def drawn(run_folder, result):
    """A run folder of ``kind`` data with one picture of every kind."""

    def make(kind, **changes):
        named = {name: f"figures/{name}.png" for name in (*pictures.KINDS, "unheard-of")}
        folder = run_folder(kind, result(same={"data_kind": kind}, figures=named, **changes))
        (folder / "figures").mkdir()
        for name in named:
            columns = {"samples": 8, "neighbours": 12, "beside": 4, "restored": 1}.get(name, 10)
            drawing(folder / "figures" / f"{name}.png", columns=columns)
        return folder

    return make


def shown(folder):
    publish.write(boards(publish.results.read_all([folder])), folder)
    text = (folder / "leaderboard.html").read_text()
    return {kind for kind in pictures.KINDS if f'class="tiles {kind}"' in text}


def test_pictures_are_inside(drawn):
    assert shown(drawn("phantom")) == set(pictures.KINDS)


def test_no_patient_is_shown(drawn):
    assert shown(drawn("real")) == set(disclosure.GENERATED)


def test_nothing_of_a_model_that_copies_patients_is_shown(drawn):
    assert shown(drawn("real", audit={"verdict": "MEMORISES"})) == set()


@pytest.mark.parametrize("path", ["/etc/a.png", "../a.png", "javascript:alert(1)", "file:///a.png"])
def test_a_path_out_of_the_folder_is_no_picture(path, result):
    assert disclosure.pictures(result(figures={"samples": path}), set()) == {}


def test_pictures_beyond_the_budget_are_linked(drawn):
    folder = drawn("phantom")
    (board,) = views(boards(publish.results.read_all([folder])))
    chosen = pictures.choose([board], folder, budget=20_000)
    sizes = [len(p.image.uri) if p.image else 0 for p in chosen[board.id]]
    assert [p.kind for p in chosen[board.id]] == list(pictures.KINDS)
    assert 0 in sizes and 0 < sum(sizes) <= 20_000
    gallery = environment().get_template("pictures.html").render(board=board, pictures=chosen)
    assert 'href="figures/forward.png"' in gallery


def test_the_front_is_what_nothing_beats():
    def point(x, value, remark=""):
        return Point("", x, value, remark=remark)

    points = [
        point(50, 1.0),
        point(5, 9.0),
        point(10, 9.0),
        point(10, 4.0),
        point(60, 1.0),
        point(4, 0.0, " (MEMORISES)"),
    ]
    assert [(p.cost, p.value) for p in pareto(points)] == [(5, 9.0), (10, 4.0), (50, 1.0)]
    assert [(p.cost, p.value) for p in pareto(points, sign=-1)] == [(5, 9.0)]


SPEED = {
    "machine": {"device": "a <GPU>", "threads": 2},
    "versions": {"torch": "2.9", "diffusers": "0.38"},
    "training": [{"name": "quick", "batch": 16, "images_per_second": {"ours": 1234.5}}],
    "sampling": [
        {
            "network": "quick",
            "sampler": "ddim-25",
            "nfe": 25,
            "images_per_second": {"ours": 20.0, "reference": 10.0},
            "ratio": {"median": 2.0, "low": 1.9, "high": 2.1},
        }
    ],
    "optimisations": [
        {
            "name": "channels last",
            "network": "quick",
            "used": False,
            "seconds_per_step": {"without": 0.2, "with": 0.25},
            "ratio": {"median": 0.8, "low": 0.7, "high": 0.9},
        }
    ],
}


def test_recorded_machines(found, tmp_path):
    files.write_json(tmp_path / "machine" / "speed.json", SPEED)
    document = Document(html(boards(found), tmp_path, read(tmp_path)))
    assert "1,234.5" in document.row("quick", "16") and "2 [1.9, 2.1]" in document.row("quick ddim-25")
    row = document.row("channels last", "quick")
    assert "0.8 [0.7, 0.9]" in row and row.strip().endswith("no")


@pytest.mark.parametrize("record", [None, {"machine": {}}, SPEED | {"training": [{}]}])
def test_a_bad_speed_record_is_refused_in_one_sentence(record, refused, run_folder, result, tmp_path):
    if record is not None:
        files.write_json(tmp_path / "speed" / "machine" / "speed.json", record)
    said = refused("leaderboard", run_folder("run", result()), "--speed", tmp_path / "speed")
    assert "speed.json" in said
    with pytest.raises(InputError):
        read(tmp_path / "speed")


def test_the_page_is_written_unless_not_wanted(mribench, run_folder, result):
    folder = run_folder("run", result())
    assert mribench("leaderboard", folder, "--no-html").code == 0
    assert not (folder / "leaderboard.html").exists()
    assert "leaderboard.html" in mribench("leaderboard", folder, "--html").out
    assert (folder / "leaderboard.html").read_text().startswith("<!doctype html>")
