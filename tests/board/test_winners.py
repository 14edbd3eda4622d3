"""Who is best at what: said with the number of rows that cannot be told from the best, for a number of every task."""

from dataclasses import replace

import pytest

from mribench.board.boards import boards
from mribench.board.winners import winners
from mribench.spec import Score

pytestmark = pytest.mark.usefixtures("known_training")
GAIN = {"gain": {"title": "gain", "unit": "", "direction": "up", "paper": "a paper", "kind": "paired"}}


def gain(record, value):
    """What another task measured of the same generator."""
    score = Score("gain", value, 40, 40, value - 0.1, value + 0.1)
    same = {**record.comparability, "task": "use v1"}
    return replace(
        record, task="use", scores=(score,), metrics=GAIN, primary=None, floor={}, comparability=same
    )


def test_the_best_is_said_with_those_that_cannot_be_told_from_it(scored, controls, audited):
    rows = [scored("a", 100.0), scored("b", 101.0), scored("far", 700.0)]
    (sentence,) = winners(boards(audited([*rows, *controls])))
    assert sentence.startswith("Brain, ") and "best by KD[hc85-v1] (1e-3) ↓ is a ddim-5, 100.0 [" in sentence
    assert sentence.endswith("and 1 of 2 others whose intervals overlap; the audit suspects none.")


def test_a_number_of_another_task_has_a_best_of_its_own(scored, controls, audited):
    a, b = scored("a", 100.0), scored("b", 700.0)
    (sentence,) = winners(boards(audited([a, b, gain(a, 0.1), gain(b, 0.5), *controls])))
    kd, use, _ = sentence.split("; ")
    assert "is a ddim-5" in kd and "overlap" not in kd
    assert use.startswith("best by GAIN ↑ is b ddim-5, 0.5000 [0.4000, 0.6000]")


def test_one_row_wins_nothing(scored, controls, audited):
    assert not list(winners(boards(audited([scored("a"), *controls]))))
