"""A column of a table is one value: whoever shows the table shows it."""

from mribench.board import columns
from mribench.board.boards import boards
from mribench.board.columns import Column
from mribench.board.html.page import html
from mribench.board.markdown import board_table, markdown
from mribench.cli import console
from mribench.hub import card


def test_a_new_column_is_in_every_form_of_the_headline(monkeypatch, scored, controls, tmp_path, capsys):
    size = Column("shoe size", lambda line: 47.0, lambda line: "size 47" if line.row else "")
    monkeypatch.setattr(columns, "COST", (*columns.COST, size))
    made = boards([scored(), *controls])
    console.boards(made)
    shown = [capsys.readouterr().out, markdown(made, tmp_path), html(made, tmp_path), card._scores(made)]
    assert [("shoe size" in text, text.count("size 47") >= 6) for text in shown] == [(True, True)] * 4


def test_real_images_leave_cells_of_rows_empty(scored, controls):
    (board,) = boards([scored(), *controls])
    table = columns.headline(board)
    real = table.lines[-1]
    assert real.kind == "real" and real.row is None
    assert {c.title: c.text(real) for c in table.columns if c.address is None and not c.names_line} == {
        "rank": "",
        "seeds": "",
        "NFE": "",
        "train images": "",
        "train s": "",
        "notes": "",
    }


def test_what_a_table_is_sorted_by_is_no_printed_text(scored):
    (board,) = boards([scored()])
    (line,) = [line for line in columns.headline(board).lines if line.kind == "trained"]
    assert (columns.TRAIN_SECONDS.value(line), columns.TRAIN_SECONDS.text(line)) == (3.6, "4")
    assert (columns.TRAIN_IMAGES.value(line), columns.TRAIN_IMAGES.text(line)) == (320, "320")


def test_only_names_of_what_is_not_ranked_are_in_italics(scored, controls):
    (board,) = boards([scored(), *controls])
    text = board_table(columns.headline(board))
    assert "| ddpm ddim-5 |" in text and "| *gaussian* |" in text and "| *real train* |" in text


def test_a_solver_that_learns_while_it_is_asked_shows_images_and_seconds(scored):
    """Records of earlier versions have no seconds: then the cell is empty, and not 0."""
    for produced, seconds in (({"train_seconds": 7.5}, 7.5), ({}, None)):
        about = {"produced": {"train_images": 640, **produced}}
        (board,) = boards([scored(provenance=about)])
        (line,) = [line for line in columns.headline(board).lines if line.kind == "trained"]
        assert columns.TRAIN_IMAGES.value(line) == 640
        assert columns.TRAIN_SECONDS.value(line) == seconds
        assert columns.TRAIN_SECONDS.text(line) == ("8" if seconds else "")
