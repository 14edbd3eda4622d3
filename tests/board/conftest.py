"""A rank, after the same words were found wherever the board is shown."""

import csv
import io
import json

import pytest

from mribench.board import export
from mribench.board.boards import boards
from mribench.board.html.page import html
from mribench.board.markdown import markdown
from mribench.cli import console
from mribench.hub import card


@pytest.fixture
def said(tmp_path, capsys):
    """``said(results, row)``: the rank cell of a row, after the same words were found wherever the board is shown."""

    def find(found, name):
        made = boards(found)
        (board,) = made
        place = board.ranks[name]
        console.boards(made)
        shown = place.text or place.reason
        texts = [markdown(made, tmp_path), card._scores(made), capsys.readouterr().out, html(made, tmp_path)]
        assert f"| {shown} | {name} " in texts[0] and f"| {shown} | {name} " in texts[1]
        assert all(shown in text for text in texts)
        lines = list(csv.DictReader(io.StringIO(export.csv_text(made))))
        assert {x["unranked"] for x in lines if f"{x['variant']} ddim-5" == name} == {place.reason or ""}
        rows = json.loads(export.json_text(made))[0]["rows"]
        (row,) = [row for row in rows if f"{row['variant']} ddim-5" == name]
        assert row["unranked"] == place.reason
        for doubt in board.doubts:
            assert all(doubt[:40] in text for text in texts), doubt
        return shown

    return find
