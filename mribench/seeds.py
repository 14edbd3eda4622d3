"""Counter-based randomness: every draw has an address, so nothing has to be saved to go on from the middle."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


def number(*address: int | str | float) -> int:
    """A 63-bit seed for an address such as ("noise", seed, step). Same address, same number, on every machine."""
    text = "\x1f".join(map(str, address)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def numpy_rng(*address: int | str | float) -> np.random.Generator:
    import numpy as np

    return np.random.Generator(np.random.PCG64(number(*address)))


def torch_generator(*address: int | str | float, device: str = "cpu") -> torch.Generator:
    import torch

    return torch.Generator(device).manual_seed(number(*address))
