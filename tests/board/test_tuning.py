"""The board says which learning rates were tuned, and that rows of which some were not differ in more than a method."""

import csv
import io

from mribench.board import export, sentences, tuning
from mribench.board.boards import boards
from mribench.board.html.page import html
from mribench.board.markdown import markdown

TUNED = {
    "factor": 0.5,
    "lr": 9e-4,
    "trials": 8,
    "share": 0.25,
    "modalities": ["chromatin"],
    "sha256": "0123456789ab",
}


def with_trials(found, **changes):
    found.provenance["tuned"] = TUNED | changes
    return found


def told(*found):
    (board,) = boards(found)
    rows = {row.name.partition(" ")[0]: tuning.remark(row) for row in board.rows}
    return rows, tuning.sentence(board.trained)


def test_the_row_says_by_how_many_trials_and_the_board_that_not_all_were_tuned(scored, controls, tmp_path):
    made = boards([with_trials(scored("edm")), scored("vae", 200.0), *controls])
    sentence = (
        "Learning rates were chosen in 2 ways, and a difference may be one of tuning. vae: the profile's, not tuned; "
        "edm: tuned, 8 trials of 0.25 of the budget on validation subjects of chromatin."
    )
    assert sentence in sentences.notes(made[0])
    for page in (markdown(made, tmp_path), html(made, tmp_path)):
        assert page.count("lr tuned, 8 trials") >= 1 and "Learning rates were chosen in 2 ways" in page
    lines = csv.DictReader(io.StringIO(export.csv_text(made)))
    assert {line["variant"]: line["tuning_trials"] for line in lines if line["kind"] != "real"} == {
        "edm": "8",
        "vae": "0",
        **{control.variant: "" for control in controls},
    }


def test_nothing_is_said_where_all_learning_rates_were_chosen_in_one_way(scored, controls):
    assert told(scored("edm"), scored("vae"), *controls)[1] is None
    rows, sentence = told(with_trials(scored("edm")), with_trials(scored("vae"), lr=1e-4), *controls)
    assert sentence is None and rows["edm"] == rows["vae"] == "lr tuned, 8 trials"
    assert "chosen in 2 ways" in told(with_trials(scored("edm")), with_trials(scored("vae"), trials=3))[1]


def test_a_row_of_which_one_seed_is_not_tuned_says_so(scored):
    rows, sentence = told(with_trials(scored("edm")), scored("edm", seed=1))
    assert rows == {"edm": "lr tuned in 1 of 2 seeds"} and "edm: the profile's" in sentence


def test_what_was_trained_elsewhere_is_neither_tuned_nor_not(scored):
    elsewhere = scored("theirs")
    elsewhere.provenance.update(training=None, source={"kind": "images"})
    rows, sentence = told(with_trials(scored("edm")), elsewhere)
    assert rows["theirs"] is None and sentence is None
