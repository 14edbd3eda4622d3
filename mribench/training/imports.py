"""Import diffusers without the packages that it loads beside a U-Net and never uses there.

They cost every process time before its first training step, and memory.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from mribench import device


def load_diffusers() -> None:
    """``import diffusers`` and its U-Net; no effect a second time.

    scipy.stats and scipy.integrate, which options of some schedulers need, are loaded where they are first used.
    Triton, a compiler for GPUs, is hidden where there is no GPU.
    """
    if "diffusers" in sys.modules:
        return
    _load_when_used("scipy.stats")
    _load_when_used("scipy.integrate")
    with nullcontext() if device.hardware().gpu else _hidden("triton"):
        from diffusers import UNet2DModel  # noqa: F401

        # it would look for Triton later, and warns that there is none
        logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)
        from torch.utils import flop_counter  # noqa: F401


def _load_when_used(name: str) -> None:
    """Put a stand-in for a module into ``sys.modules``, which imports the module when a name in it is first used.

    ``importlib.util.LazyLoader`` does not serve: a second ``import`` statement looks at its ``__spec__``, and loads.
    """
    if name in sys.modules or find_spec(name.partition(".")[0]) is None or (spec := find_spec(name)) is None:
        return
    stand_in = ModuleType(name)
    stand_in.__spec__, stand_in.__file__ = spec, spec.origin

    def load(attribute: str) -> Any:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    stand_in.__getattr__ = load
    sys.modules[name] = stand_in


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Within the block the package looks as if it were not installed, unless it was imported before."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # importlib then raises ModuleNotFoundError
    try:
        yield
    finally:
        del sys.modules[name]
