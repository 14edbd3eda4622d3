"""Handing cells out: retries, errors, stopping; and whole suites whose workers are killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from mribench import device, results, signals
from mribench.errors import InputError, Interrupted, MribenchError, TrainingDiverged, concerns_one_cell
from mribench.plugins import lookup
from mribench.progress import progress, say
from mribench.runner import dispatch, locks, status, worker
from mribench.runner.runspec import RunSpec
from mribench.runner.worker import Job, Outcome

NAMES = ("brain", "heart", "lung", "spine")


@pytest.fixture
def todo(tmp_path):
    spec = RunSpec(out=str(tmp_path))
    return [Job(spec, "fp32", name, "ddpm", 0, tmp_path / "data", f"{name}_ddpm_s0") for name in NAMES]


@pytest.fixture
def worked(todo, tmp_path, monkeypatch):
    """``worked(do)``: what a suite makes of four cells, each of which is ``do(modality)``, by threads."""
    monkeypatch.setattr(dispatch, "SECONDS_BETWEEN_LOOKS", 0.02)

    def run(do, processes=None, todo=todo):
        def work(job):
            with status.reporting_to(tmp_path, job.name):
                return do(job.modality)

        monkeypatch.setattr(worker, "run_job", work)
        with ThreadPoolExecutor(len(NAMES)) as engine:
            return dispatch.run_jobs(todo, engine, tmp_path, processes)

    return run


def done(name):
    return Outcome((name,))


def test_outcomes_come_in_the_order_of_the_jobs(worked):
    def later_first(name):
        time.sleep(0.05 * (len(NAMES) - NAMES.index(name)))
        return done(name)

    assert [outcome.results[0] for outcome in worked(later_first)] == list(NAMES)


def test_what_workers_say_is_said_once(worked, capsys, monkeypatch):
    monkeypatch.setattr("mribench.progress.SECONDS_BETWEEN_LINES", 0)

    def talk(name):
        say(f"{name}: kd 7")
        with progress(f"train {name}", 10) as advance:
            advance(10)
            time.sleep(0.1)
        return done(name)

    worked(talk)
    said = capsys.readouterr().err.splitlines()
    assert sorted(line for line in said if "kd" in line) == sorted(f"{name}: kd 7" for name in NAMES)
    assert all(f"train {name}: " in " ".join(said) for name in NAMES)


def test_a_dead_workers_cell_is_taken_up_again(worked, capsys):
    tried = []

    def die_twice(name):
        tried.append(name)
        if name == "heart" and tried.count("heart") < 3:
            raise BrokenExecutor("killed")
        return done(name)

    assert [outcome.results[0] for outcome in worked(die_twice)] == list(NAMES)
    assert sorted(tried) == sorted((*NAMES, "heart", "heart"))
    assert capsys.readouterr().err.count("heart_ddpm_s0: its worker ended early; another one goes on") == 2


def test_a_cell_that_kills_every_worker_is_left_alone_and_the_others_are_done(worked):
    def die(name):
        if name == "heart":
            raise BrokenExecutor("exit code -9")
        return done(name)

    outcomes = worked(die)
    assert [o.results for o in outcomes if not o.error] == [("brain",), ("lung",), ("spine",)]
    said = str(outcomes[1].error)
    assert "ended early 3 times (exit code -9)" in said and "checkpoint is kept" in said


def test_a_cell_that_fails_stops_no_other(worked):
    def diverge(name):
        return Outcome(error=TrainingDiverged("the loss is nan")) if name == "brain" else done(name)

    outcomes = worked(diverge, 1)
    assert isinstance(outcomes[0].error, TrainingDiverged) and all(o.results for o in outcomes[1:])


@pytest.mark.parametrize(
    "error", [InputError("no such word"), OSError(28, "No space left on device")], ids=str
)
def test_what_is_not_one_cells_own_ends_the_suite(error, worked):
    begun = []

    def refuse(name):
        begun.append(name)
        return Outcome(error=error)

    with pytest.raises(type(error), match=str(error.args[-1])):
        worked(refuse, 1)
    assert begun == ["brain"]


def test_the_first_cells_are_worked_on_while_others_are_prepared(worked, todo):
    began = threading.Event()

    def prepared():
        yield todo[0]
        assert began.wait(10)
        yield from todo[1:]

    def train(name):
        began.set()
        return done(name)

    assert [outcome.results[0] for outcome in worked(train, todo=prepared())] == list(NAMES)


def test_what_cannot_be_prepared_ends_the_suite_once_those_under_way_are_done(worked, todo):
    ended, began = [], threading.Event()

    def prepared():
        yield todo[0]
        assert began.wait(10)
        raise InputError("the phantom of heart draws shape (3, 3)")

    def train(name):
        began.set()
        time.sleep(0.1)
        ended.append(name)
        return done(name)

    with pytest.raises(InputError, match="phantom of heart"):
        worked(train, todo=prepared())
    assert ended == ["brain"]


def test_ctrl_c_also_ends_the_preparing(worked, todo):
    def prepared():
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            signals.raise_if_stopped()
            time.sleep(0.01)
            yield from ()

    with pytest.raises(Interrupted, match="cells done: 0"):
        worked(done, todo=prepared())


def test_a_bug_is_raised_as_it_is(worked):
    def stumble(name):
        raise ZeroDivisionError(name)

    with pytest.raises(ZeroDivisionError):
        worked(stumble, 1)


def test_one_at_a_time_until_the_memory_of_the_first_is_known(worked, monkeypatch):
    monkeypatch.setattr(device, "free_gib", lambda: 1000.0)
    monkeypatch.setattr(status, "SECONDS_BETWEEN_WRITES", 0.0)
    at_once, most = [], {}

    def train(name):
        at_once.append(name)
        with signals.deferred_interrupts() as asked:
            time.sleep(0.1)
            most[name, "before"] = len(at_once)
            asked(), asked()
            time.sleep(0.3)
            most[name, "after"] = len(at_once)
        at_once.remove(name)
        return done(name)

    worked(train, 3)
    assert most["brain", "before"] == 1 and most["brain", "after"] == 3


def test_ctrl_c_lets_workers_save_and_says_how_far_it_came(worked, monkeypatch):
    monkeypatch.setattr(status, "SECONDS_BETWEEN_WRITES", 0.0)
    saved = []
    everyone = threading.Barrier(3)

    def train(name):
        if name == "brain":
            return done(name)
        with signals.deferred_interrupts() as asked:
            if everyone.wait(10) == 0:
                time.sleep(0.1)
                os.kill(os.getpid(), signal.SIGINT)
            while not asked():
                time.sleep(0.01)
        saved.append(name)
        return Outcome(error=Interrupted("state saved"))

    with pytest.raises(Interrupted, match="cells done: 1;"):
        worked(train)
    assert sorted(saved) == ["heart", "lung", "spine"]


def test_a_worker_that_somebody_else_interrupts_is_as_good_as_dead(worked):
    tried = []

    def preempted(name):
        tried.append(name)
        if tried.count(name) == 1:
            return Outcome(error=Interrupted("SIGTERM"))
        return done(name)

    assert all(outcome.results for outcome in worked(preempted))
    assert len(tried) == 2 * len(NAMES)


def test_errors_of_one_cell_and_of_all():
    assert concerns_one_cell(TrainingDiverged("x")) and concerns_one_cell(MribenchError("x"))
    for error in (InputError("x"), Interrupted("x"), OSError(28, "x")):
        assert not concerns_one_cell(error)


# whole suites in processes -----------------------------------------------------------------------------------------

ORGANS = lookup.names("modalities")[:2]
needs_organs = pytest.mark.skipif(len(ORGANS) < 2, reason="needs two modality plugins")
WORDS = ("--profile", "smoke", "--train-steps", "120", "--controls", "noise", "--tasks", "generation")


def start(out: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "mribench", "run", "--modalities", ",".join(ORGANS), *WORDS]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MRIBENCH_OFFLINE": "1"}
    return subprocess.Popen(
        [*command, "--out", str(out), *more],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen, code: int = 0) -> str:
    try:
        _, words = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == code, words
    return words


def wait_for(process: subprocess.Popen, out: Path, pattern: str) -> None:
    deadline = time.monotonic() + 200
    while not any(out.glob(pattern)):
        assert process.poll() is None and time.monotonic() < deadline, pattern
        time.sleep(0.02)


def scores(out: Path) -> dict[str, object]:
    return {f"{r.modality} {r.name} {r.task}": r.scores for r in results.read_all([out])}


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory):
    out = tmp_path_factory.mktemp("one_by_one")
    finish(start(out, "--jobs", "1"))
    return out


def workers_of(process: subprocess.Popen) -> list[int]:
    """Worker processes of a suite: its children that run Python's ``spawn_main``."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    found = {
        int(pid)
        for task in children.parent.parent.iterdir()
        for pid in (task / "children").read_text().split()
    }
    return [pid for pid in sorted(found) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@needs_organs
@pytest.mark.slow
def test_two_processes_one_of_them_killed_give_the_numbers_of_one(one_by_one, tmp_path):
    process = start(tmp_path, "--jobs", "2")
    wait_for(process, tmp_path, "train/*/checkpoints/*.pt")
    os.kill(workers_of(process)[0], signal.SIGKILL)
    words = finish(process)
    assert words.count("its worker ended early; another one goes on") == 1
    assert scores(tmp_path) == scores(one_by_one)
    assert (tmp_path / "leaderboard.json").read_bytes() == (one_by_one / "leaderboard.json").read_bytes()
    assert not (tmp_path / locks.JOBS).exists() and not list(tmp_path.glob("**/.tmp-*"))


@needs_organs
@pytest.mark.slow
@pytest.mark.parametrize("whom", ["the suite", "its workers too"])
def test_the_suite_itself_killed_goes_on_with_the_same_numbers(whom, one_by_one, tmp_path):
    process = start(tmp_path, "--jobs", "2")
    wait_for(process, tmp_path, "train/*/checkpoints/*.pt")
    (os.kill if whom == "the suite" else os.killpg)(process.pid, signal.SIGKILL)
    process.communicate()
    finish(start(tmp_path, "--jobs", "2"))
    assert scores(tmp_path) == scores(one_by_one)
    assert (tmp_path / "leaderboard.json").read_bytes() == (one_by_one / "leaderboard.json").read_bytes()


@needs_organs
@pytest.mark.slow
@pytest.mark.parametrize("to", ["the suite", "everyone, as a terminal does"])
def test_ctrl_c_saves_every_cell_and_exits_130(to, one_by_one, tmp_path):
    process = start(tmp_path, "--jobs", "2")
    wait_for(process, tmp_path, "train/*/checkpoints/*.pt")
    (os.kill if to == "the suite" else os.killpg)(process.pid, signal.SIGINT)
    words = finish(process, 130)
    assert words.strip().splitlines()[-1].startswith("mribench: interrupted; ") and "Traceback" not in words
    finish(start(tmp_path, "--jobs", "2"))
    assert scores(tmp_path) == scores(one_by_one)
