"""A board whose subjects nobody knows describes and never ranks."""

import pytest

from mribench.board import columns, markdown
from mribench.board.boards import boards

pytestmark = pytest.mark.usefixtures("known_training")


def board(result, audited, **data):
    about = result().data | data
    return boards(
        audited(
            [
                result(10.0, 9.0, 11.0, data=about),
                result(20.0, 19.0, 21.0, data=about, variant="gaussian", is_control=True),
                result(1.0, 0.0, 2.0, data=about, variant="train-replay", is_control=True),
            ]
        )
    )


def test_unknown_subjects_are_said_and_nothing_is_ranked(result, audited, tmp_path):
    many = {"subjects": {"train": 70, "validation": 15, "test": 40}}
    (known,) = made = board(result, audited, **many)
    assert known.subjects_known and "ahead of" in known.against_control[0]
    assert "not a ranking" not in columns.one_line(known) and "unknown" not in markdown.markdown(
        made, tmp_path
    )
    (unknown,) = made = board(result, audited, **many, subjects_known=False)
    assert not unknown.subjects_known and unknown.against_control == []
    assert columns.one_line(unknown).endswith("subjects unknown: not a ranking")
    assert "**Subjects unknown: images of one person may stand in train and in test." in markdown.markdown(
        made, tmp_path
    )


def test_records_from_before_say_nothing_and_count_as_known(result):
    assert "subjects_known" not in result().data
    assert boards([result()])[0].subjects_known
