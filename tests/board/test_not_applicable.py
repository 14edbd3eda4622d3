"""A task that does not apply to a variant is shown as such: in grey, in no mean and without a rank."""

import csv
import io

import pytest

from mribench.board import columns, export
from mribench.board.boards import boards
from mribench.board.html.page import html
from mribench.board.markdown import markdown
from mribench.results.record import from_json, to_json

pytestmark = pytest.mark.usefixtures("known_training")
WHY = "it gives no likelihood of an image"


@pytest.fixture
def made(result, audited):
    """ddpm with scores, and a GAN of which the same task could not be asked."""
    given = result(10.0, 9.0, 11.0)
    gan = result(variant="gan", sampler=None, scores=(), not_applicable=WHY)
    return boards([*audited([given]), gan])


def test_a_cell_is_grey_with_its_reason_and_has_no_rank(made, tmp_path):
    (board,) = made
    row = board.row("gan")
    assert row.value(board.primary) is None
    assert row.estimates[board.primary].reason == f"not applicable: {WHY}"
    assert board.ranks["gan"].best is None and board.ranks["gan"].reason == "not applicable"
    table = columns.headline(board)
    (cells,) = [dict(zip(table.titles, texts, strict=True)) for texts in table.texts() if "gan" in texts]
    assert "n/a" in cells.values()
    assert "n/a" in markdown(made, tmp_path)
    page = html(made, tmp_path)
    assert 'class="na"' in page and f'title="not applicable: {WHY}"' in page


def test_a_control_of_which_nothing_was_asked_has_no_line(result, tmp_path):
    """Its reason stands below the table, and no column of it beside the trained rows."""
    known = result(10.0, 9.0, 11.0)
    control = result(variant="gaussian", sampler=None, is_control=True, scores=(), not_applicable=WHY)
    made = boards([known, control])
    (board,) = made
    assert [row.name for row in board.rows if not row.applies] == ["gaussian"]
    assert "gaussian" not in columns.headline(board).texts()[-1]
    assert not [title for title in columns.all_organs(made).titles if "gaussian" in title]
    assert f"No line for gaussian: not applicable: {WHY}" in markdown(made, tmp_path)


def test_the_csv_has_the_reason(made):
    lines = [line for line in csv.DictReader(io.StringIO(export.csv_text(made))) if line["variant"] == "gan"]
    assert lines and all(line["value"] == "" for line in lines if line["metric"] == "kd")
    assert {line["reason"] for line in lines if line["metric"] == "kd"} == {f"not applicable: {WHY}"}


def test_such_a_record_reads_back_and_scores_beside_a_reason_are_refused(result):
    gan = result(variant="gan", sampler=None, scores=(), not_applicable=WHY)
    assert from_json(to_json(gan)) == gan
    with pytest.raises(ValueError, match="scores of a task that is not applicable"):
        from_json(to_json(result(not_applicable=WHY)))
