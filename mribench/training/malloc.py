"""What glibc does with the memory that a step of training frees."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

# parameters of mallopt(3)
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST = 2**31 - 1
# where glibc's own thresholds end up once large blocks have been freed
OWN_TRIM, OWN_MMAP = 64 * 2**20, 32 * 2**20


@contextmanager
def kept() -> Iterator[None]:
    """Within the block freed memory stays with this process; at its end all of it goes back to the system.

    Every step takes the same tensors again. By itself glibc gives those at the end of its heap back each time, and a
    step then waits for them to be mapped anew (``mribench speed``: "freed memory kept"). No effect on numbers, on a
    GPU's memory, or without glibc.
    """
    keep(True)
    try:
        yield
    finally:
        keep(False)
        give_back()


def give_back() -> None:
    """Freed memory goes back to the system, also what lies between pieces in use."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def keep(freed: bool) -> None:
    """Whether freed memory stays, from now on."""
    if (libc := _glibc()) is not None:
        libc.mallopt(TRIM_THRESHOLD, LARGEST if freed else OWN_TRIM)
        libc.mallopt(MMAP_THRESHOLD, 2**30 if freed else OWN_MMAP)


@lru_cache(maxsize=1)
def _glibc() -> Any:
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc if libc.mallopt and libc.malloc_trim else None
    except (OSError, AttributeError):
        return None
