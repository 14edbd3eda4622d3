"""Slurm by submitit (its local engine here) and Dask (a scheduler and two workers of this machine)."""

import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, wait

import pytest

from mribench import results
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.runner import clusters
from mribench.runner.executors import worker_died

MODALITY = next(iter(lookup.names("modalities")), None)
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "MRIBENCH_OFFLINE": "1"}
needs_modality = pytest.mark.skipif(MODALITY is None, reason="needs one modality plugin")


def run(out, *more):
    words = ("--modalities", MODALITY, "--profile", "smoke", "--train-steps", "120", "--controls", "noise")
    return subprocess.Popen(
        [sys.executable, "-m", "mribench", "run", *words, "--tasks", "generation", "--out", str(out), *more],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def finish(process):
    try:
        _, words = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, words
    return words


def scores(out):
    return {f"{r.name} {r.task}": r.scores for r in results.read_all([out])}


def wait_for(come, seconds=120):
    deadline = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory):
    out = tmp_path_factory.mktemp("one_by_one")
    finish(run(out))
    return out


# Slurm -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def slurm(tmp_path):
    pytest.importorskip("submitit")
    engine = clusters.Slurm(tmp_path / "slurm", cluster="local", timeout_min=5)
    yield engine
    engine.shutdown(cancel_futures=True)


def test_slurm_jobs_give_results_errors_and_deaths(slurm):
    good, bad, dead = slurm.submit(math.sqrt, 9.0), slurm.submit(math.sqrt, -1.0), slurm.submit(os._exit, 9)
    assert not wait([good, bad, dead], 60).not_done
    assert good.result() == 3.0
    assert "math domain error" in str(bad.exception()) and not worker_died(bad.exception())
    assert isinstance(dead.exception(), BrokenExecutor)


@pytest.mark.slow  # how long a cancelled job takes to be noticed is the cluster's affair
def test_a_slurm_job_is_cancelled_and_counts_as_dead(slurm):
    stuck = slurm.submit(time.sleep, 100)
    assert not stuck.cancel()
    assert worker_died(stuck.exception(60))


def test_a_slurm_job_at_its_time_limit_is_sent_again_with_the_same_words():
    pytest.importorskip("submitit")
    again = clusters.Resubmitted(math.sqrt).checkpoint(9.0)
    assert again.result() == 3.0


def test_slurm_refuses_in_words(tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setattr(clusters.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="needs the command sbatch"):
        clusters.Slurm(tmp_path)
    with pytest.raises(InputError, match="patrition"):
        clusters.Slurm(tmp_path, cluster="local", slurm_patrition="gpu", patrition="gpu")


@pytest.mark.parametrize(("package", "word"), [("submitit", "slurm"), ("distributed", "dask")])
def test_a_missing_package_is_named(package, word, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"needs the package {package}; pip install mribench\[{word}\]"):
        clusters.Slurm(tmp_path) if word == "slurm" else clusters.dask("tcp://127.0.0.1:1")


@needs_modality
@pytest.mark.slow
def test_a_slurm_suite_with_a_killed_job_gives_the_numbers_of_one_process(one_by_one, tmp_path):
    pytest.importorskip("submitit")
    suite = run(tmp_path, "--executor", "slurm:cluster=local,timeout_min=10")
    wait_for(lambda: any(tmp_path.glob("train/*/checkpoints/*.pt")))
    # submitit names its files by the process that starts the job; the job is that one's child
    folder = str(tmp_path / ".jobs" / "slurm")
    jobs = [pid for pid in pids() if "submitit.core._submit" in words_of(pid) and folder in words_of(pid)]
    for pid in jobs:
        os.kill(pid, signal.SIGKILL)
    assert "its worker ended early; another one goes on" in finish(suite)
    assert scores(tmp_path) == scores(one_by_one)


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def words_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read().replace("\0", " ")
    except OSError:
        return ""


# Dask --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """``start(program, *words)``: a Dask process, ended with the module."""
    pytest.importorskip("distributed")
    folder, started = tmp_path_factory.mktemp("dask"), []

    def launch(program, *words):
        with open(folder / f"{len(started)}.log", "w") as log:
            command = [sys.executable, "-m", f"distributed.cli.{program}", *words, "--no-dashboard"]
            started.append(subprocess.Popen(command, env=ENVIRONMENT, cwd=folder, stderr=log, stdout=log))
        return started[-1]

    yield launch
    for process in reversed(started):
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def address(start, tmp_path_factory):
    place = tmp_path_factory.mktemp("scheduler") / "scheduler.json"
    start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place))
    wait_for(place.exists, 60)
    wait_for(lambda: "address" in place.read_text(), 10)
    return place.read_text().split('"address": "')[1].split('"')[0]


@pytest.fixture
def worker(start, address):
    """``worker()`` starts one of one thread."""
    started = []

    def one(threads="1"):
        words = (address, "--nthreads", threads, "--no-nanny")
        started.append(start("dask_worker", *words))
        return started[-1]

    yield one
    for process in started:
        process.kill()
        process.wait()


def test_dask_refuses_in_words(worker, address, monkeypatch):
    with pytest.raises(InputError, match="no Dask scheduler answers at"):
        clusters.dask("tcp://127.0.0.1:9")
    monkeypatch.setattr(clusters, "SECONDS_FOR_A_DASK_WORKER", 0.5)
    with pytest.raises(InputError, match="has no workers; start some with `dask worker"):
        clusters.dask(address)
    monkeypatch.setattr(clusters, "SECONDS_FOR_A_DASK_WORKER", 60)
    worker("2")
    with pytest.raises(InputError, match="have 2 threads, expected 1"):
        clusters.dask(address)


def test_a_dask_worker_that_dies_is_replaced_by_another(worker, address):
    processes = {one.pid: one for one in (worker(), worker())}
    engine = clusters.dask(address)
    # a shell's parent is the worker itself
    first = int(engine.submit(subprocess.getoutput, "echo $PPID").result(60))
    stuck = [engine.submit(subprocess.getoutput, f"sleep 1; echo {n} $PPID") for n in range(4)]
    time.sleep(0.5)
    processes.pop(first).kill()
    (other,) = processes
    assert str(other) in " ".join(call.result(60) for call in stuck)
    engine.shutdown(wait=False)


@needs_modality
@pytest.mark.slow
def test_a_dask_suite_of_two_workers_one_killed_gives_the_numbers_of_one_process(
    one_by_one, worker, address, tmp_path
):
    workers = {one.pid: one for one in (worker(), worker())}
    suite = run(tmp_path, "--executor", f"dask:{address}")
    wait_for(lambda: any(tmp_path.glob("train/*/checkpoints/*.pt")))
    # the one that trains holds the lock file of the cell open
    held = [pid for pid in workers if any("ddpm" in name for name in open_files(pid))]
    workers[held[0]].kill()
    finish(suite)
    assert scores(tmp_path) == scores(one_by_one)
    assert (tmp_path / "leaderboard.json").read_bytes() == (one_by_one / "leaderboard.json").read_bytes()


def open_files(pid):
    links = [f"/proc/{pid}/fd/{name}" for name in os.listdir(f"/proc/{pid}/fd")]
    return [os.path.basename(os.readlink(link)) for link in links if os.path.lexists(link)]
