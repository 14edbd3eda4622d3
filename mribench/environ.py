"""Environment variables of mribench that the processes of a run inherit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def set_to(name: str, value: str | None) -> Iterator[None]:
    """Within the block the variable has this value; None leaves it as it is."""
    before = os.environ.get(name)
    if value is not None:
        os.environ[name] = value
    try:
        yield
    finally:
        if before is not None:
            os.environ[name] = before
        elif value is not None:
            os.environ.pop(name, None)
