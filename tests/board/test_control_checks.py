"""Controls that land where they must not make a board invalid, loudly and everywhere."""

import csv
import io
import json
from dataclasses import replace

import pytest

from mribench.board import export, markdown
from mribench.board.boards import boards
from mribench.board.control_checks import violations
from mribench.board.ranks import standings, why_unranked
from mribench.cli import console

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


def test_controls_in_their_places_leave_a_board_valid(scored, controls):
    (board,) = boards([scored(), *controls])
    assert violations(board) == [] and why_unranked(board) is None


@pytest.mark.parametrize("name", DOCTORED)
def test_a_control_in_the_wrong_place_is_said_everywhere(name, scored, controls, tmp_path, capsys):
    value, sentence = DOCTORED[name]
    kept = [result for result in controls if result.variant != name]
    audit = {"verdict": "MEMORISES"} if name == "train-replay" else None
    (board,) = made = boards([scored(), *kept, scored(name, value, is_control=True, audit=audit)])
    said = violations(board)
    assert said and said[0].startswith(sentence)
    assert standings(board)["ddpm ddim-5"].best is None
    assert standings(board)["ddpm ddim-5"].reason == "the board is invalid"
    assert f"**INVALID BOARD, nothing is ranked: {said[0]}.**" in markdown.markdown(made, tmp_path)
    assert json.loads(export.json_text(made))[0]["invalid"] == said
    assert next(csv.DictReader(io.StringIO(export.csv_text(made))))["invalid"] == "; ".join(said)
    console.boards(made)
    assert "INVALID BOARD, nothing is ranked" in capsys.readouterr().out


def test_what_is_asked_of_a_control_is_asked_on_the_same_subjects(scored, controls):
    """Their intervals overlap, yet on the same test subjects the training images are always nearer."""
    kept = [result for result in controls if result.variant != "gaussian"]
    (board,) = boards([scored(), *kept, scored("gaussian", 9.0, is_control=True)])
    assert board.row("gaussian").entries[board.primary].low < 2 and violations(board) == []


def test_of_few_subjects_nothing_is_asked_that_they_cannot_tell(scored, controls):
    few = scored().data | {"subjects": {"train": 9, "validation": 3, "test": 5}}
    kept = [replace(r, data=few) for r in [scored(), *controls] if r.variant not in ("gaussian", "noise")]
    near = scored("gaussian", 3.5, is_control=True, data=few)
    (board,) = boards([*kept, near])
    assert violations(board) == []
    (board,) = boards([*kept, near, scored("noise", 2.0, is_control=True, data=few)])
    assert "is not better than noise" in violations(board)[0]


def test_records_without_subsamples_are_judged_by_their_intervals(scored, controls):
    bare = [replace(r, floor={"kd[hc85-v1]": r.floor["kd[hc85-v1]"] | {"subsamples": ""}}) for r in controls]
    kept = [result for result in bare if result.variant != "gaussian"]
    for value, invalid in ((15.0, True), (17.0, False)):
        near = scored("gaussian", value, is_control=True, floor=bare[0].floor)
        (board,) = boards([replace(scored(), floor=bare[0].floor), *kept, near])
        assert bool(violations(board)) == invalid


@pytest.mark.parametrize("verdict", ["not detected", "suspect", "MEMORISES", "cannot say"])
def test_a_replay_that_the_audit_misses_makes_a_board_invalid(verdict, scored, controls):
    """Few subjects leave an audit without an answer; that is no wrong one."""
    kept = [result for result in controls if result.variant != "train-replay"]
    seen = scored("train-replay", 3.0, is_control=True, audit={"verdict": verdict})
    (board,) = boards([scored(), *kept, seen])
    missed = "train-replay copies its training images, but the memorisation audit says 'not detected' of it"
    assert violations(board) == ([missed] if verdict == "not detected" else [])


def test_without_floor_interval_or_control_nothing_is_claimed(scored, result):
    """Three test subjects give no interval, older records no floor, a run may have no controls."""
    bare = [
        result(3.0, variant=name, is_control=True)
        for name in ("gaussian", "blur", "train-replay", "mode-collapse")
    ]
    (board,) = boards([result(), *bare])
    assert violations(board) == []
    assert violations(boards([scored()])[0]) == []


def test_seeds_that_differ_widely_do_not_make_a_board_invalid(scored, controls):
    """Two seeds of a control have a wide interval over seeds; what it must be apart from is a matter of subjects."""
    more = scored("mode-collapse", 120.0, seed=1, is_control=True)
    (board,) = boards([scored(), scored(seed=1), *controls, more])
    assert board.row("mode-collapse").entries[board.primary].low < 0 and violations(board) == []
