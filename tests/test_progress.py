"""Progress: plain lines off a terminal, a bar on one."""

import io
import sys

import pytest

from mribench import progress


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_lines_come_now_and_then_and_at_the_end(clock, capsys):
    with progress.progress("train", 10, done=2) as advance:
        advance(3, "loss 1.0")
        clock[0] += 20
        advance(6, "loss 0.5")
        clock[0] += 1
        advance(7)
        advance(10)
    # four steps of this process took 20 s: the two that were done before do not count
    assert capsys.readouterr().err.splitlines() == [
        "train: 6/10, 20 s left, loss 0.5",
        "train: 10/10, 0 s left",
    ]


def test_nothing_done_yet_is_no_division_by_zero(clock, capsys):
    with progress.progress("x", 5, done=5) as advance:
        advance(5)
    assert capsys.readouterr().err == "x: 5/5\n"


def test_a_total_that_grows_is_no_flood_of_lines(clock, capsys):
    with progress.progress("prepare", 0) as advance:
        for done in range(1, 500):
            advance(done, total=done)
    assert capsys.readouterr().err == "prepare: 499/499, 0 s left\n"


def test_a_failed_step_says_no_more(clock, capsys):
    with pytest.raises(ZeroDivisionError), progress.progress("x", 5) as advance:
        advance(2)
        raise ZeroDivisionError
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.progress("train [a]", 4) as advance:
        advance(4, "loss 0.5 [b]")
    assert "train [a]" in screen.getvalue() and "4/4" in screen.getvalue() and "[b]" in screen.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_errors_pass_through(terminal, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    with pytest.raises(ZeroDivisionError), progress.progress("x", 1):
        raise ZeroDivisionError
