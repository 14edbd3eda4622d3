"""What workers tell their suite and hear from it."""

import pytest

from mribench import signals
from mribench.errors import Interrupted
from mribench.progress import progress, say
from mribench.runner import locks, status
from mribench.runner.status import WorkerStatus


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.setattr(status, "SECONDS_BETWEEN_WRITES", 0.0)
    status.begin_suite(tmp_path)
    return tmp_path


def test_progress_and_lines_reach_the_suite_and_nobody_else(out, capsys):
    assert WorkerStatus.read(out, "brain") is None
    with status.reporting_to(out, "brain"), progress("train brain", 40, 10) as advance:
        assert (WorkerStatus.read(out, "brain").done, WorkerStatus.read(out, "brain").total) == (10, 40)
        advance(20, "loss 0.3")
        say("brain: kd 7")
    words = WorkerStatus.read(out, "brain")
    assert (words.title, words.done, words.total, words.note) == ("train brain", 20, 40, "loss 0.3")
    assert words.lines == ["brain: kd 7"]
    assert capsys.readouterr().err == ""
    status.clear(out, "brain")
    assert WorkerStatus.read(out, "brain") is None
    say("after")
    assert capsys.readouterr().err == "after\n"


def test_training_is_asked_to_stop_and_its_memory_is_known_after_a_step(out):
    with status.reporting_to(out, "brain"), signals.deferred_interrupts() as asked:
        assert not asked() and WorkerStatus.read(out, "brain") is None
        assert not asked() and WorkerStatus.read(out, "brain").peak_gib > 0
        status.request_stop(out)
        assert asked()
        with progress("train", 10) as advance:  # training saves first, and then stops by itself
            advance(5)


def test_what_cannot_be_saved_stops_at_its_next_sign_of_life(out):
    with status.reporting_to(out, "brain"), progress("sample", 10) as advance:
        advance(5)
        status.request_stop(out)
        with pytest.raises(Interrupted):
            advance(6)
    status.begin_suite(out)
    with status.reporting_to(out, "brain"), progress("sample", 10) as advance:
        advance(6)


def test_words_come_now_and_then_not_all_the_time(tmp_path):
    status.begin_suite(tmp_path)
    with status.reporting_to(tmp_path, "brain"), progress("sample", 10) as advance:
        for done in range(10):
            advance(done)
        assert WorkerStatus.read(tmp_path, "brain").done == 0
    assert WorkerStatus.read(tmp_path, "brain").done == 9


def test_half_a_word_is_no_word(out):
    (out / locks.JOBS / "brain.json").write_text('{"title": "tr')
    assert WorkerStatus.read(out, "brain") is None
