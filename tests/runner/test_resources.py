"""How many processes, with how many threads and how much memory."""

import pytest
import torch

from mribench import device
from mribench.errors import InputError
from mribench.profiles import PAPER, QUICK, SMOKE
from mribench.runner import resources
from mribench.runner.resources import Execution, room, settle


@pytest.fixture
def threads(monkeypatch):
    def set_to(number, gpu=False):
        monkeypatch.setattr(device, "hardware", lambda: device.Hardware(gpu, bf16=True, threads=number))

    return set_to


@pytest.mark.parametrize(
    ("cores", "trainings", "profile", "expected"),
    [
        (2, 6, QUICK, (2, 1)),
        (8, 6, QUICK, (6, 1)),
        (16, 6, QUICK, (6, 2)),
        (8, 1, QUICK, (1, 8)),
        (8, 0, QUICK, (1, 8)),
        (2, 6, PAPER, (2, 1)),
        (8, 6, SMOKE, (1, 8)),
    ],
)
def test_a_training_a_core_where_there_is_work_for_it(cores, trainings, profile, expected, threads):
    threads(cores)
    chosen = settle(Execution(), profile, trainings)
    assert (chosen.jobs, resources.threads(chosen.jobs)) == expected
    assert chosen.has_workers == (expected[0] > 1)


def test_a_gpu_has_one_process_unless_asked_otherwise(threads):
    threads(16, gpu=True)
    assert settle(Execution(), QUICK, 6).jobs == 1
    assert settle(Execution(jobs=3), QUICK, 6).jobs == 3


def test_the_number_of_threads_does_not_hang_on_what_is_left_or_free(threads, monkeypatch):
    """The last bits of a convolution do hang on it."""
    threads(4)
    monkeypatch.setattr(device, "free_gib", lambda: 0.1)
    assert settle(Execution(), QUICK, 12).jobs == 4


@pytest.mark.parametrize(
    ("profile", "gpu", "expected"), [(SMOKE, False, 1), (QUICK, False, 3), (SMOKE, True, 3)]
)
def test_little_work_is_done_in_one_thread(profile, gpu, expected, threads, monkeypatch):
    """Two threads of a small network wait for each other, which takes minutes where other work shares the cores."""
    threads(3, gpu)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with resources.threads_of_this_process(profile):
            assert torch.get_num_threads() == expected
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_memory_is_measured_before_more_of_it_is_taken():
    # the first process alone, until its peak is known
    assert room(4, running=0, unknown=0, peak=None, free=100) == 1
    assert room(4, running=1, unknown=1, peak=None, free=100) == 1
    assert room(4, running=1, unknown=0, peak=1.0, free=100) == 4
    assert room(4, running=1, unknown=0, peak=1.0, free=2.5) == 3
    # one that has just begun will grow as well
    assert room(4, running=2, unknown=1, peak=1.0, free=2.5) == 3
    assert room(4, running=1, unknown=0, peak=9.0, free=5.0) == 1
    assert room(4, running=0, unknown=0, peak=9.0, free=0.1) == 1


def test_free_memory_is_a_number_of_gib():
    assert 0 < device.free_gib() < 100_000


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Execution("cloud"), "unknown executor 'cloud'; expected local, slurm"),
        (Execution("local:4"), "unknown executor 'local:4'"),
        (
            Execution("dask"),
            "unknown executor 'dask'; expected local, slurm, slurm:key=value,... or dask:ADDRESS",
        ),
        (Execution(jobs=0), "jobs must be at least 1, found 0"),
    ],
)
def test_what_cannot_be_done_is_refused(asked, said, threads):
    threads(2)
    with pytest.raises(InputError) as refused:
        settle(asked, SMOKE, 1)
    assert said in str(refused.value)


def test_accelerate_launch_brings_its_own_processes(threads, monkeypatch):
    threads(4)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert settle(Execution(), QUICK, 6).jobs == 1
    with pytest.raises(InputError, match="accelerate launch already starts the processes"):
        settle(Execution(jobs=2), QUICK, 6)


def test_executor_parameters():
    assert resources.parameters("timeout_min=60, slurm_partition=gpu") == {
        "timeout_min": 60,
        "slurm_partition": "gpu",
    }
    assert resources.parameters("") == {}
    with pytest.raises(InputError, match="expected key=value"):
        resources.parameters("gpu")


def test_deciding_imports_nothing_heavy(python):
    modules = "mribench.runner.resources, mribench.runner.executors, mribench.runner.clusters"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    assert python(code).out == "False\n"
