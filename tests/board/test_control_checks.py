"""Controls that land where they must not make a board invalid, loudly and everywhere."""

import csv
import io
import json
from dataclasses import asdict, replace

import pytest

from mribench import results
from mribench.board import export, markdown
from mribench.board.boards import boards
from mribench.cli import console
from mribench.plugins import lookup
from mribench.spec import Expected

pytestmark = pytest.mark.usefixtures("known_training")

DOCTORED = {
    "noise": (500.0, "blur (900) is not better than noise (500) in kd[hc85-v1]"),
    "gaussian": (
        3.5,
        "gaussian (3.5 [-6.5, 13.5]) cannot be told apart from real training images (2 [-4, 6]) in",
    ),
    "blur": (1.0, "blur (1 [-9, 11]) cannot be told apart from real training images (2 [-4, 6])"),
    "mode-collapse": (3.8, "mode-collapse (3.8 [-6.2, 13.8]) cannot be told apart from real training images"),
    "train-replay": (40.0, "train-replay (40 [30, 50]) is worse than real images (up to 12)"),
}


def test_controls_in_their_places_leave_a_board_valid(scored, controls, audited):
    (board,) = boards(audited([scored(), *controls]))
    assert board.control_violations == [] and board.why_unranked is None


@pytest.mark.parametrize("name", DOCTORED)
def test_a_control_in_the_wrong_place_is_said_everywhere(name, scored, controls, tmp_path, capsys):
    value, sentence = DOCTORED[name]
    kept = [result for result in controls if result.variant != name]
    audit = {"verdict": "MEMORISES"} if name == "train-replay" else None
    (board,) = made = boards([scored(), *kept, scored(name, value, is_control=True, audit=audit)])
    said = board.control_violations
    assert said and said[0].startswith(sentence)
    assert board.ranks["ddpm ddim-5"].best is None
    assert board.ranks["ddpm ddim-5"].reason == "the board is invalid"
    assert f"**INVALID BOARD, nothing is ranked: {said[0]}.**" in markdown.markdown(made, tmp_path)
    assert json.loads(export.json_text(made))[0]["invalid"] == said
    assert next(csv.DictReader(io.StringIO(export.csv_text(made))))["invalid"] == "; ".join(said)
    console.boards(made)
    assert "INVALID BOARD, nothing is ranked" in capsys.readouterr().out


def test_what_is_asked_of_a_control_is_asked_on_the_same_subjects(scored, controls):
    """Their intervals overlap, yet on the same test subjects the training images are always nearer."""
    kept = [result for result in controls if result.variant != "gaussian"]
    (board,) = boards([scored(), *kept, scored("gaussian", 9.0, is_control=True)])
    assert board.row("gaussian").estimates[board.primary].low < 2 and board.control_violations == []


def test_of_few_subjects_nothing_is_asked_that_they_cannot_tell(scored, controls):
    few = scored().data | {"subjects": {"train": 9, "validation": 3, "test": 5}}
    kept = [replace(r, data=few) for r in [scored(), *controls] if r.variant not in ("gaussian", "noise")]
    near = scored("gaussian", 3.5, is_control=True, data=few)
    (board,) = boards([*kept, near])
    assert board.control_violations == []
    (board,) = boards([*kept, near, scored("noise", 2.0, is_control=True, data=few)])
    assert "is not better than noise" in board.control_violations[0]


def test_records_without_subsamples_are_judged_by_their_intervals(scored, controls):
    bare = [replace(r, floor={"kd[hc85-v1]": r.floor["kd[hc85-v1]"] | {"subsamples": ""}}) for r in controls]
    kept = [result for result in bare if result.variant != "gaussian"]
    for value, invalid in ((15.0, True), (17.0, False)):
        near = scored("gaussian", value, is_control=True, floor=bare[0].floor)
        (board,) = boards([replace(scored(), floor=bare[0].floor), *kept, near])
        assert bool(board.control_violations) == invalid


@pytest.mark.parametrize("verdict", ["not detected", "suspect", "MEMORISES", "cannot say"])
def test_a_replay_that_the_audit_misses_makes_a_board_invalid(verdict, scored, controls):
    """Few subjects leave an audit without an answer; that is no wrong one."""
    kept = [result for result in controls if result.variant != "train-replay"]
    seen = scored("train-replay", 3.0, is_control=True, audit={"verdict": verdict})
    (board,) = boards([scored(), *kept, seen])
    missed = "train-replay copies its training images, but the memorisation audit says 'not detected' of it"
    assert board.control_violations == ([missed] if verdict == "not detected" else [])


def test_without_floor_interval_or_control_nothing_is_claimed(scored, result):
    """Three test subjects give no interval, older records no floor, a run may have no controls."""
    bare = [
        result(3.0, variant=name, is_control=True)
        for name in ("gaussian", "blur", "train-replay", "mode-collapse")
    ]
    (board,) = boards([result(), *bare])
    assert board.control_violations == []
    assert boards([scored()])[0].control_violations == []


def test_seeds_that_differ_widely_do_not_make_a_board_invalid(scored, controls):
    """Two seeds of a control have a wide interval over seeds; what it must be apart from is a matter of subjects."""
    more = scored("mode-collapse", 120.0, seed=1, is_control=True)
    (board,) = boards([scored(), scored(seed=1), *controls, more])
    assert board.row("mode-collapse").estimates[board.primary].low < 0 and board.control_violations == []


@pytest.mark.parametrize(
    ("expected", "value", "said"),
    [
        (Expected("last", "it is upside down"), 500.0, "noise (1300) is not better than flipped (500)"),
        (
            Expected("behind real", "it is upside down"),
            3.0,
            "flipped (3 [-7, 13]) cannot be told apart from real",
        ),
        (Expected("like real", "it is upside down"), 40.0, "flipped (40 [30, 50]) is worse than real images"),
    ],
)
def test_a_control_of_a_plugin_says_where_it_must_land(expected, value, said, scored, controls, run_folder):
    """The record carries it: no plugin is asked when the board is made."""
    flipped = scored("flipped", value, is_control=True, expected=asdict(expected))
    kept = [result for result in controls if result.variant not in ("blur", "gaussian", "mode-collapse")]
    (board,) = boards(results.read_all([run_folder("run", scored(), *kept, flipped)]))
    assert any(
        one.startswith(said) and one.endswith("but it is upside down") for one in board.control_violations
    )
    (board,) = boards([scored(), *controls, replace(flipped, expected=None)])
    assert board.control_violations == []


def test_a_plugins_control_that_copies_must_be_seen_by_the_audit(scored, controls):
    expected = asdict(Expected("like real", "it is made of real images", copies=True))
    copier = scored("copier", 3.0, is_control=True, expected=expected, audit={"verdict": "not detected"})
    (board,) = boards([scored(), *controls, copier])
    assert board.control_violations == [
        "copier copies its training images, but the memorisation audit says 'not detected' of it"
    ]


def test_records_of_before_are_judged_by_the_names_of_the_first_controls(scored, controls, run_folder):
    """They say nothing of where a control must land, nor by what a task ranks."""
    kept = [result for result in controls if result.variant != "gaussian"]
    folder = run_folder("old", scored(), *kept, scored("gaussian", 3.5, is_control=True))
    for path in (folder / "results").rglob("*.json"):
        record = json.loads(path.read_text())
        for later in ("expected", "primary", "digest"):
            record.pop(later, None)
        path.write_text(json.dumps(record))
    (board,) = boards(results.read_all([folder]))
    (violation,) = board.control_violations
    assert violation.startswith("gaussian (3.5") and board.primary == ("kd", "hc85-v1", None)


def test_the_first_controls_say_what_is_read_into_records_of_before():
    own = {name: lookup.load("variants", name).expected for name in results.CONTROLS}
    assert own == results.CONTROLS
