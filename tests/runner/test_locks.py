"""One run writes to a folder, one worker to a cell; what a killed one left is removed by who can know."""

import multiprocessing
import threading
import time

import pytest

from mribench import files
from mribench.errors import InputError
from mribench.runner import locks

SPAWN = multiprocessing.get_context("spawn")


def leave(out):
    """What a killed run leaves half-written."""
    (out / "outputs").mkdir(parents=True, exist_ok=True)
    left = out / "outputs" / f"{files.TEMPORARY}elsewhere-1-x"
    left.mkdir()
    return left


def work_on(out, name, seconds):
    with locks.cell(out, name):
        (out / "begun").touch()
        time.sleep(seconds)


@pytest.fixture
def worker(tmp_path):
    """A process that works on a cell until it is killed."""
    process = SPAWN.Process(target=work_on, args=(tmp_path, "brain", 600))
    process.start()
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    yield process
    process.kill()
    process.join()


def test_a_second_suite_is_refused(tmp_path):
    with locks.suite(tmp_path, workers=False):
        for workers in (True, False):
            with pytest.raises(InputError, match="another mribench run is writing"):
                locks.suite(tmp_path, workers).__enter__()
    with locks.suite(tmp_path, workers=True):
        pass


def test_what_a_killed_run_left_is_swept_away(tmp_path):
    left = leave(tmp_path)
    with locks.suite(tmp_path, workers=False):
        assert not left.exists()
    assert not (tmp_path / locks.JOBS).exists()


def test_what_a_worker_of_an_earlier_run_is_writing_is_left_alone(tmp_path, worker):
    left = leave(tmp_path)
    with locks.suite(tmp_path, workers=True):
        assert left.exists()
        locks.tidy(tmp_path)
        assert (tmp_path / locks.JOBS).exists()
    with pytest.raises(InputError, match="workers of an earlier run are still writing"):
        locks.suite(tmp_path, workers=False).__enter__()
    # kill -9 gives the locks back
    worker.kill()
    worker.join()
    with locks.suite(tmp_path, workers=True):
        assert not left.exists() and not (tmp_path / locks.JOBS).exists()


def test_no_two_workers_are_in_one_cell(tmp_path, worker):
    begun = []

    def second(name):
        with locks.cell(tmp_path, name):
            begun.append(name)

    threads = [threading.Thread(target=second, args=(name,), daemon=True) for name in ("lung", "brain")]
    for thread in threads:
        thread.start()
    threads[0].join(10)
    time.sleep(0.3)
    assert begun == ["lung"]
    worker.kill()
    threads[1].join(10)
    assert begun == ["lung", "brain"]


def test_a_lock_file_that_was_removed_meanwhile_is_no_lock(tmp_path):
    """Who waited for the old file must not work beside one who holds the new file of that name."""
    taken = []

    def second():
        with locks.cell(tmp_path, "brain"):
            taken.append(True)

    with locks.cell(tmp_path, "brain"):
        waiting = threading.Thread(target=second, daemon=True)
        waiting.start()
        time.sleep(0.3)
        (tmp_path / locks.JOBS / "brain.lock").unlink()
        third = (tmp_path / locks.JOBS / "brain.lock").open("w")
        locks.fcntl.flock(third, locks.fcntl.LOCK_EX)
    time.sleep(0.3)
    assert not taken
    third.close()
    waiting.join(10)
    assert taken
