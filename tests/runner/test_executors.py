"""Worker processes of this machine: what they are given, and what happens when one dies."""

import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool

import pytest

from mribench import signals
from mribench.runner.executors import Processes, worker_died


@pytest.fixture
def workers():
    engine = Processes(2, threads=3)
    yield engine
    engine.shutdown(wait=False)
    engine.kill()


def test_calls_run_in_other_processes_with_their_share_of_threads(workers):
    assert workers.submit(math.sqrt, 9.0).result() == 3.0
    assert workers.submit(os.getpid).result() != os.getpid()
    assert workers.submit(os.getenv, "OMP_NUM_THREADS").result() == "3"


def test_a_signal_finds_no_worker_that_has_not_begun_to_ignore_it(workers):
    """They are blocked from the first, as Python takes a moment until it can ignore them."""
    blocked = workers.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
    assert blocked >= set(signals.SIGNALS)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(signals.SIGNALS)


def test_an_exception_of_the_call_is_its_own(workers):
    error = workers.submit(math.sqrt, -1.0).exception()
    assert isinstance(error, ValueError) and not worker_died(error)


def test_a_worker_that_dies_takes_no_other_along_and_is_started_anew(workers):
    slow = workers.submit(time.sleep, 1.5)
    dead = workers.submit(os._exit, 9).exception()
    assert isinstance(dead, BrokenProcessPool) and worker_died(dead)
    assert workers.submit(math.sqrt, 4.0).result() == 2.0
    assert slow.result() is None


def test_kill_ends_what_runs(workers):
    stuck = workers.submit(time.sleep, 60)
    workers.submit(math.sqrt, 4.0).result()
    time.sleep(0.5)
    workers.kill()
    assert worker_died(stuck.exception(timeout=20))


def test_cancelled_by_somebody_else_is_dead_and_a_bug_is_not():
    class KilledWorker(Exception):
        """As Dask calls it."""

    assert worker_died(CancelledError()) and worker_died(KilledWorker("brain"))
    assert not worker_died(KeyError("x"))


def test_workers_end_with_the_process_that_started_them(tmp_path):
    code = (
        "import os, time\nfrom pathlib import Path\nfrom mribench.runner.executors import Processes\n"
        "if __name__ == '__main__':\n"
        "    engine = Processes(1, 1)\n"
        f"    Path({str(tmp_path / 'pid')!r}).write_text(str(engine.submit(os.getpid).result()))\n"
        "    engine.submit(time.sleep, 600)\n"
        "    time.sleep(600)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    parent = subprocess.Popen([sys.executable, str(script)])
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    worker = int((tmp_path / "pid").read_text())
    assert runs(worker)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not runs(worker))


def runs(pid):
    """Whether the process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(come, seconds=20):
    deadline = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.05)
