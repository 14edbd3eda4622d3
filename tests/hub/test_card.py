"""The card says what the records say, and the worst first."""

import json

import pytest
import yaml

from mribench.data.cards import terms
from mribench.hub import metadata, release

COPIES = {
    "verdict": "MEMORISES",
    "reasons": ["12 of 24 generated images are nearer to one training subject than held-out images are"],
    "copy_rate": 0.5,
    "low": 0.31,
    "high": 0.69,
    "n": 24,
    "false_alarm_high": 0.05,
}


@pytest.fixture
def packed(mribench, monkeypatch, tmp_path):
    """``packed(run, audit, *words)``: what ``pack`` says, and the files of the one cell (None where it refuses)."""

    def call(run, audit, *words):
        monkeypatch.setattr(release, "gravest_audit", lambda found: audit)
        ended = mribench("pack", run, "--out", tmp_path / "cell.tar", *words)
        if ended.code:
            return ended, None
        mribench("unpack", tmp_path / "cell.tar", "--out", tmp_path / "cell")
        found = {p.name: p for p in (tmp_path / "cell").rglob("*") if p.is_file()}
        return ended, found

    return call


def test_weights_that_memorise_leave_only_knowingly_and_the_card_says_so(packed, trained):
    run = trained()
    ended, found = packed(run, COPIES)
    assert ended.code == 2 and found is None and "the audit says MEMORISES (12 of 24" in ended.err
    _, found = packed(run, COPIES, "--i-know")
    card = found["README.md"].read_text()
    assert "**MEMORISES.**" in card and "50.0% [31.0%, 69.0%]" in card and "12 of 24 generated" in card


@pytest.mark.parametrize(
    ("verdict", "words", "shown"),
    [
        ("not detected", "No memorisation was detected. That is no proof of privacy.", True),
        ("cannot say", "cannot say", True),
        ("suspect", "**Suspect.**", False),
        ("MEMORISES", "**MEMORISES.**", False),
        ("SAW THE TEST", "**SAW THE TEST.**", False),
        ("a verdict of tomorrow", "take it for the gravest", False),
    ],
)
def test_samples_of_real_data_are_shown_only_where_none_is_a_patient(
    verdict, words, shown, packed, trained, clinic
):
    run = trained(rows=[terms.of_local(clinic.name)], data=clinic)
    _, found = packed(run, {"verdict": verdict}, "--i-know")
    card = found["README.md"].read_text()
    assert words in card and ("![Samples" in card) == shown
    assert any(name.endswith(".png") for name in found) == shown
    assert "--data path/to/the/same/images" in card, "a local name is no source for anybody else"


def test_a_card_says_how_few_copies_the_audit_could_see(packed, trained):
    _, found = packed(trained(), {"verdict": "not detected", "least_share": 0.031})
    assert "Of this many samples the audit sees 3.1% copies or more." in found["README.md"].read_text()


def test_a_blank_score_enters_no_index(result):
    one = result(value=None, reason="too few")
    assert list(metadata._entries(one)) == []
    assert json.loads(metadata.eval_results([one], "user/board")) == []


def test_foreign_words_stay_in_their_cell(packed, trained):
    row = terms.of_phantom() | {"title": "a | b\n<script>", "citation": "---\nlicense: mit\n---"}
    _, found = packed(trained(rows=[row]), release.NOT_AUDITED)
    card = found["README.md"].read_text()
    assert "a \\| b &lt;script>" in card and yaml.safe_load(card.split("---\n")[1])["license"] == "cc0-1.0"
