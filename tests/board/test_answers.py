"""The board of an inverse problem: what ranks its rows, and which controls it needs."""

from mribench.board import pareto
from mribench.board.boards import boards
from mribench.board.over_organs import over_organs


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


def test_an_answer_costs_its_last_evaluations_and_its_own_seconds(answered):
    """The evaluations before tried the settings."""
    produced = {
        "nfe": [5, 10, 30],
        "gflops_per_evaluation": 0.5,
        "seconds": 100.0,
        "seconds_per_answer": 0.25,
    }
    record = answered("ddpm", 24.0, "prior", "pnp", provenance={"produced": produced})
    assert (pareto.nfe([record]), pareto.gflops([record]), pareto.seconds([record])) == (30.0, 15.0, 0.25)
