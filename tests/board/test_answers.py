"""The board of an inverse problem: what ranks its rows, and which controls it needs."""

from dataclasses import asdict

import numpy as np
import pytest

from mribench.board.boards import boards
from mribench.board.over_organs import over_organs
from mribench.metrics.uncertainty import mean_over_subjects, round_for_record
from mribench.spec import Score
from mribench.variants.problem_controls import TRAINING_MEAN, WIENER

SUBJECTS = 40
PSNR = {
    "psnr": {"title": "PSNR", "unit": "dB", "direction": "up", "paper": "a paper", "kind": "paired"},
}


@pytest.fixture
def answered(scored):
    """``answered(variant, psnr)``: a record of an answer to a problem at R = 4, in dB over 40 subjects."""

    def make(variant, psnr, answers_by="rule", sampler=None, problem="accelerated MRI", own=0.1, **changes):
        deviations = np.random.default_rng(0).standard_normal(SUBJECTS)
        alone = np.random.default_rng([*variant.encode(), *(sampler or "").encode()]).standard_normal(
            SUBJECTS
        )
        values = psnr + deviations - deviations.mean() + own * (alone - alone.mean())
        mean, low, high = mean_over_subjects(values, [str(i) for i in range(SUBJECTS)])
        score = Score(
            "psnr", mean, SUBJECTS, SUBJECTS, low, high, level=4.0, per_subject=round_for_record(values)
        )
        control = {"training-mean": TRAINING_MEAN, "wiener": WIENER}.get(variant)
        about = {
            "scores": (score,),
            "floor": {},
            "metrics": PSNR,
            "primary": "psnr",
            "task": "mri",
            "level_name": "R",
            "sampler": sampler,
            "answers_by": answers_by,
            "is_control": control is not None,
            "expected": control and asdict(control.expected),
        }
        return scored(
            variant, same={"task": "mri v1", "problem": problem, "track": "sim-k"}, **about | changes
        )

    return make


@pytest.fixture
def ends(answered):
    """The controls where they must land."""
    return [answered("training-mean", 12.0), answered("wiener", 19.0)]


def of_board(found):
    (board,) = boards(found)
    return board, {name: place.text for name, place in board.ranks.items()}


def test_answers_are_ranked_without_an_audit_and_a_rule_with_one_seed(answered, ends):
    board, places = of_board(
        [answered("tv", 20.0), answered("sense", 19.0), answered("zero-filled", 16.0), *ends]
    )
    assert board.why_unranked is None
    assert (places["tv"], places["sense"], places["zero-filled"]) == ("1", "2", "3")
    assert places["wiener"] == places["training-mean"] == ""


def test_a_prior_of_one_seed_stands_in_brackets(answered, ends):
    found = [answered("tv", 20.0), answered("ddpm", 24.0, "prior", "pnp"), *ends]
    _, places = of_board(found)
    assert places["ddpm pnp"].startswith("(") and places["tv"] == "1-2"


def test_a_rule_lends_no_variance_of_training_and_borrows_none(answered, ends):
    seeds = [answered("ddpm", 24.0 + seed, "prior", "pnp", seed=seed) for seed in (0, 1, 2)]
    board, _ = of_board([answered("tv", 20.0), *seeds, *ends])
    assert not board.row("tv").borrowed and board.row("tv").knows_training(board.primary)


def test_without_both_controls_nothing_is_ranked(answered, ends):
    rows = [answered("tv", 20.0), answered("sense", 19.0)]
    assert of_board(rows)[0].why_unranked == "no controls"
    assert of_board([*rows, ends[1]])[0].why_unranked == "no control that must be last"
    assert of_board([*rows, ends[0]])[0].why_unranked == "no control that must be ahead of the last"


def test_a_wiener_filter_that_knows_no_more_than_the_mean_makes_a_board_invalid(answered):
    found = [answered("tv", 20.0), answered("training-mean", 12.0), answered("wiener", 12.01)]
    board, _ = of_board(found)
    assert board.why_unranked == "the board is invalid"
    assert "wiener (12" in board.control_violations[0] and "not told apart" in board.control_violations[0]


def test_each_problem_has_a_board_of_its_own(answered, ends):
    other = [answered(one, 20.0, problem="super-resolution") for one in ("tv", "training-mean")]
    assert len(boards([answered("tv", 20.0), *ends, *other])) == 2


def test_over_organs_a_method_is_a_prior_with_its_solver(answered, ends):
    found = []
    for organ in ("heart", "lung"):
        rows = [answered("ddpm", 24.0, "prior", "pnp"), answered("ddpm", 22.0, "prior", "dps"), *ends]
        found += [row.__class__(**(vars(row) | {"modality": organ})) for row in rows]
    (found,) = over_organs(boards(found))
    assert set(found.average) == {"ddpm pnp", "ddpm dps"} and found.about.endswith("accelerated MRI")
