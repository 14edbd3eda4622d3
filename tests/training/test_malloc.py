"""Freed memory that a training keeps: fewer page faults, the same numbers, and all of it given back."""

import numpy as np
import pytest

from mribench.errors import InputError
from mribench.runner import runspec, worker
from mribench.training import malloc

MEGABYTES = 24  # as large as a layer's activations, below what glibc itself maps apart
FAULTS = f"""
import resource
import numpy as np
from mribench.runner import runspec, worker
from mribench.training import malloc
from mribench.errors import InputError

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        parts = [np.ones({MEGABYTES} << 17) for _ in range(4)]
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(open("/proc/self/statm").read().split()[1])

malloc.set_retention(False)
faults()
own, at_rest = faults(), resident()
with malloc.retain_freed_memory():
    faults()
    kept, held = faults(), resident()
print(own, kept, held - at_rest, resident() - at_rest)
"""


@pytest.mark.skipif(malloc._glibc() is None, reason="needs glibc")
def test_kept_memory_is_not_faulted_in_again_and_is_given_back(python):
    own, kept, held, after = map(int, python(FAULTS).out.split())
    pages = MEGABYTES << 8
    assert own > pages and kept < pages / 10
    assert held > pages and after < pages


def test_without_glibc_nothing_happens(monkeypatch):
    monkeypatch.setattr(malloc, "_glibc", lambda: None)
    with malloc.retain_freed_memory():
        assert np.ones(3).sum() == 3


def test_a_worker_gives_back_after_a_cell_that_failed_too(tmp_path, monkeypatch):
    given = []

    def fail(*_):
        raise InputError("refused")

    monkeypatch.setattr(malloc, "release_freed_memory", lambda: given.append(1))
    monkeypatch.setattr(worker, "_plan", fail)
    job = worker.Job(
        runspec.RunSpec(out=str(tmp_path)), "fp32", "brain", "ddpm", 0, tmp_path, "brain_ddpm_s0"
    )
    assert str(worker.run_job(job).error) == "refused" and given == [1]
