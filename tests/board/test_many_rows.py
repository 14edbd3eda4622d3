"""Writing a board costs what the pairs of its rows cost, at most: nothing is computed twice, however it is shown."""

from collections import Counter
from math import comb

import many_rows
import pytest

from mribench.board import against_control, claims, group, publish
from mribench.board.boards import boards
from mribench.board.columns import headline
from mribench.board.differences import difference
from mribench.board.markdown import board_table
from mribench.cli import console

PAIRED = len(many_rows.LEVELS) * len(many_rows.PAIRED)


@pytest.fixture
def asked(monkeypatch):
    """How often each difference was computed."""
    counts = Counter()

    def counting(first, second, address, over_seeds=True):
        counts[id(first), id(second), address, over_seeds] += 1
        return difference(first, second, address, over_seeds)

    for module in (group, claims, against_control):
        monkeypatch.setattr(module, "difference", counting)
    return counts


@pytest.mark.parametrize(
    ("rows", "organs"), [(6, 2), pytest.param(35, 6, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_no_difference_is_computed_twice(rows, organs, asked, tmp_path, capsys):
    publish.write(boards(many_rows.records(rows, organs)), tmp_path)
    spaces = len(many_rows.SPACES)
    from_real, against_gaussian = rows + len(many_rows.CONTROLS), rows * (spaces + PAIRED)
    assert set(asked.values()) == {1}
    assert len(asked) == organs * (spaces * comb(rows, 2) + from_real + against_gaussian)
    assert (tmp_path / "leaderboard.html").stat().st_size > 10_000


def test_showing_a_board_again_computes_nothing(asked, capsys):
    made = boards(many_rows.records(4))
    console.boards(made)
    before = len(asked)
    console.boards(made)
    assert board_table(headline(made[0])) and len(asked) == before and set(asked.values()) == {1}


def test_every_row_is_ranked(asked):
    (board,) = boards(many_rows.records(6))
    assert board.control_violations == [] and board.why_unranked is None
    assert [board.ranks[row.name].text for row in board.trained] == ["1", "2", "3", "4", "5", "6"]
