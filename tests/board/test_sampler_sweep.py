"""Samplers of one checkpoint: one table, sampler by NFE, and nothing of another training in it."""

from dataclasses import replace

import pytest

from mribench.board import sampler_sweep
from mribench.board.boards import boards
from mribench.board.differences import Difference
from mribench.board.html.page import html
from mribench.board.markdown import markdown
from mribench.board.sampler_sweep import sampler_of, standing, sweeps


@pytest.fixture
def swept(scored, controls, audited):
    """Six rows: two samplers at two costs each, one of another training, and another variant."""

    def made(sampler, nfe, value, weights="a" * 64, variant="ddpm"):
        result = scored(variant, value, sampler=sampler)
        produced = {"nfe": [nfe], "gflops_per_evaluation": 1.5, "seconds": 2.4 * nfe}
        return replace(
            result, provenance=result.provenance | {"checkpoint_sha256": weights, "produced": produced}
        )

    rows = [
        made("ddim-5", 5, 120.0),
        made("ddim-50", 50, 60.0),
        made("heun-10", 19, 80.0),
        made("heun-25", 49, 55.0),
    ]
    rows += [made("euler-5", 5, 1.0, weights="b" * 64), made("ddim-5", 5, 30.0, variant="edm")]
    return audited([*rows, *controls])


def test_rows_of_one_checkpoint_are_one_table(swept):
    (board,) = boards(swept)
    (found,) = sweeps(board.trained)
    assert (found.variant, found.checkpoints, found.columns) == ("ddpm", 1, ((5,), (19,), (49, 50)))
    assert found.cell("heun", (49, 50))[0] == 49 and found.cell("heun", (5,)) is None
    assert {name: list(of) for name, of in found.rows.items()} == {"ddim": [5, 50], "heun": [19, 49]}


def test_records_without_a_checkpoint_make_no_table(swept):
    bare = [replace(r, provenance=r.provenance | {"checkpoint_sha256": None}) for r in swept]
    assert sweeps(boards(bare)[0].trained) == []


def test_solvers_of_one_cost_each_make_no_table(swept):
    """The board of anomalies had a table of its four solvers, 'by sampler', with a column for each."""
    ones = [r for r in swept if r.is_control or r.sampler in ("ddim-5", "heun-10", "euler-5")]
    same = [replace(r, provenance=r.provenance | {"checkpoint_sha256": "a" * 64}) for r in ones]
    assert len(boards(same)[0].trained) == 4 and sweeps(boards(same)[0].trained) == []


def test_the_table_holds_every_number_with_its_interval(swept, tmp_path):
    text = html(boards(swept), tmp_path)
    table = text[text.index("by sampler and NFE, 1 training of ddpm") :]
    table = table[: table.index("</table>")]
    for number, interval in ((120.0, "[110.0, 130.0]"), (60.0, "[50.0, 70.0]"), (55.0, "[45.0, 65.0]")):
        assert f"<b>{number}</b>" in table and interval in table
    assert "<b>1.0</b>" not in table and "<b>30.0</b>" not in table


def test_the_markdown_board_holds_them_too(swept, tmp_path):
    text = markdown(boards(swept), tmp_path)
    table = text[text.index("by sampler and NFE, 1 training of ddpm") :]
    titles, _, *lines = table.splitlines()[4:8]
    assert [cell.strip() for cell in titles.split("|")[1:-1]] == ["sampler", "NFE 5", "NFE 19", "NFE 49-50"]
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == [
        "ddim",
        "120.0 [110.0, 130.0]",
        "",
        "60.0 [50.0, 70.0] (50)",
    ]
    assert "**55.0 [45.0, 65.0] (49)**" in lines[1]


@pytest.mark.parametrize(
    ("p", "said"), [(0.2, {"heun": "best", "ddim": "as good"}), (0.01, {"heun": "best"})]
)
def test_the_best_of_a_column_and_what_is_not_told_apart_from_it_are_marked(swept, monkeypatch, p, said):
    (board,) = boards(swept)
    (found,) = sweeps(board.trained)

    def difference(first, second, address, over_seeds):
        assert (first.sampler, second.sampler, over_seeds) == ("ddim-50", "heun-25", False)
        return Difference(address, first.name, second.name, 5.0, -1.0, 11.0, p, p)

    monkeypatch.setattr(sampler_sweep, "difference", difference)
    assert standing(board, found, (49, 50)) == said
    assert standing(board, found, (5,)) == {}  # one sampler alone is neither


@pytest.mark.parametrize(
    ("name", "base"), [("dpm-solver-16", "dpm-solver"), ("ddim", "ddim"), ("x-2b", "x-2b"), ("", "")]
)
def test_a_sampler_is_named_without_its_steps(name, base):
    assert sampler_of(name) == base
