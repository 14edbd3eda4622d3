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
        clock[0] += 20
        advance(5)
    assert capsys.readouterr().err == "x: 5/5\n"


def test_a_total_that_grows_is_no_flood_of_lines(clock, capsys):
    with progress.progress("prepare", 0) as advance:
        for done in range(1, 500):
            clock[0] += 0.1
            advance(done, total=done)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4 and said[-1] == "prepare: 499/499, 0 s left"


def test_a_short_step_has_no_line(clock, capsys):
    with progress.progress("denoise", 10) as advance:
        clock[0] += 14
        advance(10)
    assert capsys.readouterr().err == ""


def test_quiet_shows_no_progress_and_no_finished_cells_but_warnings(clock, capsys, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, progress.QUIET)
    with progress.progress("train", 10) as advance, progress.cell_progress() as cells:
        clock[0] += 20
        advance(10)
        cells.show("brain", "train", 1, 2, "")
        cells.drop("brain")
    progress.say_done("brain: kd 7")
    progress.say("outputs were changed")
    assert capsys.readouterr().err == "outputs were changed\n"


@pytest.mark.parametrize(("verbosity", "lines"), [(None, 0), (progress.VERBOSE, 1), (progress.QUIET, 0)])
def test_verbose_alone_shows_details(verbosity, lines, capsys, monkeypatch):
    if verbosity:
        monkeypatch.setenv(progress.VARIABLE, verbosity)
    progress.say_detail("psnr 20")
    assert capsys.readouterr().err.count("psnr 20") == lines


def test_the_time_left_is_by_the_mean_rate():
    assert progress.seconds_left(60, 2, 3) == 90 and progress.seconds_left(60, 0, 3) is None
    assert progress.clock(90) == "1:30" and progress.clock(3725.2) == "1:02:06"


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


def test_a_narrow_terminal_keeps_the_title_and_the_time_left(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "80")
    title = "denoising brain ddpm dpm-solver-16, ᾱ 0.897"
    with progress.progress(title, 256) as advance:
        advance(16)
    shown = screen.getvalue()
    assert title in shown and "16/256" in shown and " left" in shown


@pytest.mark.parametrize("terminal", [True, False])
def test_errors_pass_through(terminal, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    with pytest.raises(ZeroDivisionError), progress.progress("x", 1):
        raise ZeroDivisionError
