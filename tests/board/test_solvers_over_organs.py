"""Which solver, which organ, at what cost: table, fronts and calibration, in Markdown and on the page."""

import pytest

from mribench.board.boards import boards
from mribench.board.html.page import html
from mribench.board.html.solvers import solver_sections
from mribench.board.html.view import views
from mribench.board.markdown import markdown
from mribench.board.solvers import TITLE, calibration, points, problems, table
from mribench.spec import Score

GAPS = {"coverage_gap_50": -0.1, "coverage_gap_90": -0.15, "overconfidence": 1.0, "psnr_mean": 25.0}

MADE = {"images_seen": 320, "seconds": 3.6}


@pytest.fixture
def found(answered):
    """Two organs: a prior with two solvers, of which one draws samples, a baseline, and the controls."""

    def organ(name, shift):
        about = {"modality": name}
        rows = [("tv", 20.0, None, 0, 0.01), ("sense", 19.0, None, 0, 0.001)]
        rows += [("ddpm", 23.0, "pnp", 30, 0.5), ("ddpm", 22.0, "diffpir", 60, 1.0)]
        for variant, psnr, solver, nfe, seconds in rows:
            produced = {"produced": {"nfe": [8, nfe], "seconds_per_answer": seconds}}
            trained = {"training": MADE, "plugins": {"solver": {"name": solver}}} if solver else {}
            record = answered(
                variant,
                psnr + shift,
                "prior" if solver else "rule",
                solver,
                provenance=produced | trained,
                **about,
            )
            yield with_calibration(record) if solver == "diffpir" else record
        yield from (answered("training-mean", 12.0, **about), answered("wiener", 18.0, **about))

    return [*organ("brain", 0.0), *organ("lung", 3.0)]


def with_calibration(record):
    metrics = {
        name: {"title": name, "unit": "", "direction": "zero", "paper": "", "kind": "posterior"}
        for name in GAPS
    }
    scores = tuple(Score(name, value, 40, 40, level=4.0) for name, value in GAPS.items())
    return record.__class__(
        **vars(record) | {"scores": record.scores + scores, "metrics": {**record.metrics, **metrics}}
    )


def test_a_problem_is_one_table_with_a_column_for_each_organ(found):
    (one,) = problems(boards(found))
    titles, lines = table(one)
    assert one.problem == "accelerated MRI, R = 4"
    assert titles[:6] == ["solver", *(b.organ for b in one.boards), "NFE", "seconds", "on the front"]
    assert [line[0] for line in lines] == [
        "ddpm pnp",
        "ddpm diffpir",
        "tv",
        "sense",
        "wiener",
        "training-mean",
    ]
    assert lines[0][1].startswith("23.00 [") and lines[0][2].startswith("26.00 [")
    assert lines[1][3:5] == ["60", "1"] and lines[2][3:5] == ["0", "0.01"]


def test_on_the_front_is_what_no_other_row_beats_in_seconds_and_quality(found):
    (one,) = problems(boards(found))
    assert set(one.fronts) == {"sense", "tv", "ddpm pnp"} and len(one.fronts["tv"]) == 2


def test_a_row_without_a_prior_costs_no_evaluations_and_stands_on_that_axis_all_the_same(found):
    made = boards(found)
    assert {p.name: p.cost for p in points(made[0], "nfe")}["tv"] == 0
    (section,) = solver_sections(made, views(made))
    (nfe, _), (seconds, _) = section.charts[:2]
    assert nfe.x_ticks[0][1] == "none" and len(nfe.marks) == len(seconds.marks) == 4
    assert min(mark.x for mark in nfe.marks) == pytest.approx(nfe.x_ticks[0][0])


def test_calibration_is_found_coverage_and_error_over_spread_of_rows_that_draw_samples(found):
    board = boards(found)[0]
    found_of = {row.name: calibration(board, row) for row in board.trained}
    assert found_of["ddpm diffpir"].found == pytest.approx({0.5: 0.4, 0.9: 0.75})
    assert found_of["ddpm diffpir"].error_over_spread == 2
    assert found_of["tv"] == ({}, None)
    (section,) = solver_sections([board], views([board]))
    _, _, (coverage,), (spread,) = section.charts
    assert [p.cost for p in coverage.points] == [50, 90]
    assert [p.value for p in coverage.points] == pytest.approx([40, 75])
    assert [(p.cost, p.value) for p in spread.points] == [(25.0, 2.0)]
    assert [line.name for line in section.calibrated] == ["ddpm diffpir"]


def test_markdown_and_page_say_it_and_pages_without_problems_do_not(found, scored, controls, tmp_path):
    text, page = (write(boards(found), tmp_path) for write in (markdown, html))
    assert f"## {TITLE}" in text and "40 / 75 %, ×2" in text
    assert TITLE in page and "40 / 75 %, ×2" in page and "solvers-coverage" in page
    assert "Quality against cost" not in page
    others = boards([scored("ddpm", 20.0), *controls])
    assert TITLE not in markdown(others, tmp_path) and TITLE not in html(others, tmp_path)
