"""Epsilon stands on a board where a training states it, and only there."""

import math

import pytest

from mribench.board import columns
from mribench.board.boards import boards
from mribench.board.html.charts import quality_against_cost
from mribench.board.html.page import html
from mribench.board.html.view import views
from mribench.board.markdown import markdown
from mribench.results import schema


def trained(scored, name, seed=0, **training):
    record = scored(name, seed=seed)
    known = record.provenance.get("training") or {}
    return scored(name, seed=seed, provenance=record.provenance | {"training": known | training})


def promise(epsilon, delta=1 / 1400):
    return {"epsilon": epsilon, "delta": delta, "unit": "subject", "accountant": "rdp"}


def cells(board):
    (column,) = [c for c in columns.headline(board).columns if c.title == "ε"]
    return {line.name.split()[0]: column.text(line) for line in columns.headline(board).lines}


def test_a_board_without_a_statement_has_no_such_column(scored, controls):
    (board,) = boards([scored(), *controls])
    assert "ε" not in columns.headline(board).titles


def test_every_training_says_what_it_promises(scored, controls, tmp_path):
    rows = [
        trained(scored, "private", privacy=promise(7.9936)),
        trained(scored, "clipped", privacy={"epsilon": None, "delta": None}),
        trained(scored, "ddpm"),
    ]
    made = boards([*rows, *controls])
    found = cells(made[0])
    assert {name: found[name] for name in ("private", "clipped", "ddpm", "noise", "real")} == {
        "private": "7.99 (δ 0.0007)",
        "clipped": "∞",
        "ddpm": "∞",
        "noise": "",
        "real": "",
    }
    assert all("7.99 (δ 0.0007)" in text for text in (markdown(made, tmp_path), html(made, tmp_path)))


def test_of_several_seeds_the_weakest_promise_counts(scored, controls):
    several = [trained(scored, "private", seed, privacy=promise(e)) for seed, e in enumerate((2.0, 8.0, 4.0))]
    (board,) = boards([*several, *controls])
    assert cells(board)["private"] == "8 (δ 0.0007)"
    (board,) = boards([*several, trained(scored, "private", 3), *controls])
    assert cells(board)["private"] == "∞"


@pytest.mark.parametrize("half", [{"epsilon": 8.0}, {"delta": 1e-5}, promise(-1.0)])
def test_half_a_promise_is_no_record(half):
    with pytest.raises(ValueError, match=r"epsilon"):
        schema.check({"privacy": half}, schema.Training)


def test_the_price_of_privacy_is_drawn_where_some_is_promised(scored, controls):
    rows = [trained(scored, f"dp-{e}", privacy=promise(e)) for e in (1.0, 8.0)] + [trained(scored, "ddpm")]
    (chart,) = by_epsilon([*rows, *controls])
    assert sorted(point.cost for point in chart.points) == [1.0, 8.0, math.inf]
    assert chart.x_ticks[-1] == (chart.marks[-1].x, "∞")
    assert chart.marks[1].x < chart.marks[-1].x < chart.right
    assert not by_epsilon([scored(), *controls])


def test_one_promise_is_drawn_beside_those_who_promise_nothing(scored, controls):
    (chart,) = by_epsilon([trained(scored, "dp-8", privacy=promise(8.0)), trained(scored, "ddpm"), *controls])
    assert sorted(point.cost for point in chart.points) == [8.0, math.inf]


def test_boards_on_which_nobody_promises_anything_have_no_such_drawing(scored, controls):
    assert not by_epsilon([trained(scored, "ddpm"), trained(scored, "cosine"), *controls])


def by_epsilon(found):
    drawn = quality_against_cost(views(boards(found))).rows
    return [chart for row in drawn for chart in row if chart.cost.startswith("ε")]
