"""What a suite shows while it runs, and when its boards are written."""

from types import SimpleNamespace

import pytest

from mribench.runner import watch as watching
from mribench.runner.watch import CONTROLS_OF_A_TRAINING, Watch


@pytest.fixture
def written(monkeypatch):
    made = []
    monkeypatch.setattr(watching, "write_boards", lambda plan, organ: made.append(organ))
    return made


def plan(*organs):
    return SimpleNamespace(modalities=[SimpleNamespace(name=organ) for organ in organs])


class Display:
    def __init__(self):
        self.shown = []

    def show(self, *words):
        self.shown.append(words)


def test_boards_are_written_after_every_organ_but_the_last(written):
    watch = Watch(plan("brain", "heart"), 2, 2)
    for organ in ("brain", "brain", "heart", "heart"):
        watch.submitted(organ)
    watch.organ_submitted("brain")
    watch.done("brain", trains=True)
    assert written == []
    watch.done("brain", trains=False)
    assert written == ["brain"]
    watch.organ_submitted("heart")
    watch.done("heart", trains=True)
    watch.done("heart", trains=False)
    assert written == ["brain"], "the suite itself writes the last"


def test_an_organ_whose_controls_are_still_to_come_is_not_finished(written):
    watch = Watch(plan("brain", "heart"), 2, 2)
    watch.submitted("brain")
    watch.done("brain", trains=True)
    watch.submitted("brain")
    watch.organ_submitted("brain")
    assert written == []
    watch.done("brain", trains=False)
    assert written == ["brain"]


def test_a_training_counts_for_many_controls_and_what_was_finished_for_nothing():
    watch, display = Watch(plan("brain", "heart"), 2, 3), Display()
    watch.finished_before(trains=False)
    watch.submitted("brain")
    watch.done("brain", trains=True)
    watch.show(display)
    total = 2 * CONTROLS_OF_A_TRAINING + 2
    assert display.shown == [("", "suite", CONTROLS_OF_A_TRAINING, total, "1 of 4 cells")]


def test_a_single_cell_has_no_line_of_the_suite_and_nothing_is_said_before_anything_is_done():
    display, watch = Display(), Watch(plan("brain"), 1, 0)
    watch.submitted("brain")
    watch.done("brain", trains=True)
    watch.show(display)
    Watch(plan("brain", "heart"), 2, 2).show(display)
    assert display.shown == []
