"""Whether glibc keeps the memory that a training step frees, or gives it back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

# parameters of mallopt(3)
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
MAX_THRESHOLD = 2**31 - 1
# where glibc's own thresholds end up once large blocks have been freed
DEFAULT_TRIM, DEFAULT_MMAP = 64 * 2**20, 32 * 2**20


@contextmanager
def retain_freed_memory() -> Iterator[None]:
    """Within the block freed memory stays with this process; at its end all of it goes back to the system.

    Every step allocates the same tensors. By default glibc returns those at the end of its heap each time, and the next
    step waits for them to be mapped again (``mribench speed``: "freed memory kept"). No effect on numbers, on a GPU's
    memory, or without glibc.
    """
    set_retention(True)
    try:
        yield
    finally:
        set_retention(False)
        release_freed_memory()


def release_freed_memory() -> None:
    """Give freed memory back to the system, also holes between blocks in use."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def set_retention(retain: bool) -> None:
    """From now on, keep freed memory (True) or follow glibc's defaults (False)."""
    if (libc := _glibc()) is not None:
        libc.mallopt(TRIM_THRESHOLD, MAX_THRESHOLD if retain else DEFAULT_TRIM)
        libc.mallopt(MMAP_THRESHOLD, 2**30 if retain else DEFAULT_MMAP)


@lru_cache(maxsize=1)
def _glibc() -> Any:
    try:
        libc = ctypes.CDLL("libc.so.6")
        return libc if libc.mallopt and libc.malloc_trim else None
    except (OSError, AttributeError):
        return None
