"""A board in a terminal of 80 columns: five columns, no broken word, the page named last."""

import io
import re

import many_rows
import pytest
from rich.console import Console

from mribench.board.boards import boards
from mribench.board.short import short
from mribench.cli import console


@pytest.fixture
def narrow(monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr(console, "console", Console(width=80, file=said, highlight=False))
    return said


def test_eighty_columns_show_rank_number_and_verdict_and_break_no_word(narrow):
    made = boards(many_rows.records(12))
    console.boards(made)
    said = narrow.getvalue()
    (headings,) = [line.split() for line in said.splitlines() if line.startswith("variant ")]
    assert headings == ["variant", "rank", "KD[hc85-v1]", "PSNR", "verdict"]
    rows = [line for line in said.splitlines() if line.startswith("variant-")]
    assert len(rows) == 12 and all(len(line) <= 80 for line in said.splitlines())
    assert all(line.rstrip().endswith("ahead of gaussian") for line in rows)
    assert re.search(r"^train-replay +3\.0 .* control, MEMORISES *$", said, re.MULTILINE)


def test_rows_stand_by_rank_and_controls_below(narrow):
    found = many_rows.records(6)
    order = [line.name for line in short(boards(found)[0]).lines]
    assert order[:6] == [f"variant-{i:02} dpm-solver-16" for i in range(6)]
    assert order[6:] == [*sorted(many_rows.CONTROLS), "real train", "half against half"]


def test_a_row_without_a_rank_says_why(scored, controls, audited):
    (board,) = boards(audited([scored("copier", 5.0, audit={"verdict": "MEMORISES"}), *controls]))
    said = {
        line.name: cells[-1] for line, cells in zip(short(board).lines, short(board).texts(), strict=True)
    }
    assert said["copier ddim-5"] == "MEMORISES" and said["noise"] == "control"


def test_the_page_is_named_last(mribench, run_folder, result):
    ended = mribench("leaderboard", run_folder("run", result()))
    assert ended.out.strip().splitlines()[-1].endswith("leaderboard.html")
