"""What an image costs, and the drawing of quality against cost: one curve a sampler, the front beside it."""

import re
from dataclasses import replace

import pytest

from mribench.board import pareto
from mribench.board.boards import boards
from mribench.board.html.charts import quality_against_cost
from mribench.board.html.view import views


def made_with(result, **produced):
    return replace(result, provenance=result.provenance | {"produced": produced})


def test_an_image_costs_evaluations_gflops_and_seconds(scored):
    one = made_with(scored(), nfe=[16], gflops_per_evaluation=1.5, seconds=48.0)
    assert one.comparability["n_generated"] == 24
    assert [cost([one]) for _, _, cost in pareto.COSTS] == [16.0, 24.0, 2.0]


@pytest.mark.parametrize("missing", ["nfe", "gflops_per_evaluation", "seconds"])
def test_a_cost_that_is_not_on_record_is_none_and_not_zero(scored, missing):
    produced = {"nfe": [16], "gflops_per_evaluation": 1.5, "seconds": 48.0}
    one = made_with(scored(), **{k: v for k, v in produced.items() if k != missing})
    known = {kind: cost([one]) for kind, _, cost in pareto.COSTS}
    assert None in known.values() and 0 not in known.values()
    assert all(cost([]) is None for _, _, cost in pareto.COSTS)


def test_the_steps_of_one_sampler_are_one_curve_with_one_letter(scored, controls):
    rows = [
        *(("ddpm", "ddim-5", 5, 200.0), ("ddpm", "ddim-50", 50, 90.0)),
        *(("edm", "heun-9", 17, 20.0), ("ddpm", "euler-20", 20, 95.0)),
    ]
    found = [
        made_with(scored(v, value, sampler=s), nfe=[n], gflops_per_evaluation=1.0, seconds=1.0 * n)
        for v, s, n, value in rows
    ]
    charts = quality_against_cost(views(boards([*found, *controls])))
    assert charts.key == [("a", "ddpm"), ("b", "edm")]
    ((nfe, gflops, seconds),) = charts.rows
    for chart in (nfe, gflops, seconds):
        # euler-20 stands alone, so that nothing but its letter tells that it is ddpm
        assert [mark.letter for mark in chart.marks] == ["a", "b", "a", ""]
        (curve,) = chart.curves
        assert len(re.findall("[ML]", curve)) == 2
        # ddim-5, then heun-9; ddim-50 costs more and is worse than heun-9
        assert len(re.findall("H", chart.front)) == 1


def test_the_letter_of_a_curve_stands_where_no_other_method_is_near(scored, controls):
    rows = [("a", 10, 800.0), ("a", 100, 100.0), ("b", 10, 790.0), ("b", 100, 400.0), ("b", 200, 110.0)]
    found = [made_with(scored(v, value, sampler=f"ddim-{n}"), nfe=[n]) for v, n, value in rows]
    ((chart, *_),) = quality_against_cost(views(boards([*found, *controls]))).rows
    of_rows = sorted(rows, key=lambda row: (row[1], row[2]))
    assert [row for row, mark in zip(of_rows, chart.marks, strict=True) if mark.letter] == [
        ("a", 100, 100.0),
        ("b", 100, 400.0),
    ]


def test_both_axes_are_logarithmic(scored, controls):
    """Equal ratios are equal distances."""
    rows = [("a", 10, 40.0), ("b", 100, 80.0), ("c", 1000, 160.0)]
    found = [made_with(scored(v, value), nfe=[n]) for v, n, value in rows]
    ((chart, *_),) = quality_against_cost(views(boards([*found, *controls]))).rows
    x, y = ([getattr(mark, axis) for mark in chart.marks] for axis in "xy")
    assert x[1] - x[0] == pytest.approx(x[2] - x[1]) and y[1] - y[0] == pytest.approx(y[2] - y[1])
    assert x[0] < x[1] and y[0] > y[1]


def test_a_single_row_is_not_drawn(scored, controls):
    """A point alone compares nothing; the demo had eighteen drawings of one point."""
    one = made_with(scored("ddpm", 40.0), nfe=[16])
    assert quality_against_cost(views(boards([one, *controls]))).rows == []
    two = [one, made_with(scored("edm", 30.0), nfe=[17])]
    assert quality_against_cost(views(boards([*two, *controls]))).rows


def test_values_at_or_below_zero_are_drawn_on_a_linear_axis(scored, controls):
    found = [made_with(scored(v, value), nfe=[n]) for v, n, value in (("a", 10, -1.0), ("b", 100, 80.0))]
    ((chart, *_),) = quality_against_cost(views(boards([*found, *controls]))).rows
    assert all(chart.top <= mark.y <= chart.bottom for mark in chart.marks)
