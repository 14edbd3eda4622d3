"""Freed memory that a training keeps: fewer page faults, the same numbers, and all of it given back."""

import numpy as np
import pytest

from mribench import allocator

MEGABYTES = 24  # as large as a layer's activations, below what glibc itself maps apart
FAULTS = f"""
import resource
import numpy as np
from mribench import allocator

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        parts = [np.ones({MEGABYTES} << 17) for _ in range(4)]
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(open("/proc/self/statm").read().split()[1])

allocator.keep(False)
faults()
own, at_rest = faults(), resident()
with allocator.kept():
    faults()
    kept, held = faults(), resident()
print(own, kept, held - at_rest, resident() - at_rest)
"""


@pytest.mark.skipif(allocator._glibc() is None, reason="needs glibc")
def test_kept_memory_is_not_faulted_in_again_and_is_given_back(python):
    own, kept, held, after = map(int, python(FAULTS).out.split())
    pages = MEGABYTES << 8
    assert own > pages and kept < pages / 10
    assert held > pages and after < pages


def test_without_glibc_nothing_happens(monkeypatch):
    monkeypatch.setattr(allocator, "_glibc", lambda: None)
    with allocator.kept():
        assert np.ones(3).sum() == 3
