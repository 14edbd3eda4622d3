"""Random streams of a phantom, and the positions of its slices."""

from __future__ import annotations

import zlib
from numbers import Integral

import numpy as np

from mribench.errors import InputError

GOLDEN = 0.618  # fractional multiples of it fill an interval evenly, however many are taken


def subject_rng(seed: int, subject: int) -> np.random.Generator:
    """Random stream of a subject, for anatomy and scanner, which all its slices share.

    Raises InputError where a number is negative or not whole.
    """
    return np.random.default_rng([_whole("seed", seed), _whole("subject", subject), 0])


def slice_rng(seed: int, subject: int, slice: int) -> np.random.Generator:
    """Random stream of one slice, for position jitter and noise. Raises InputError as ``subject_rng`` does."""
    return np.random.default_rng(
        [_whole("seed", seed), _whole("subject", subject), 1 + _whole("slice", slice)]
    )


def field_rng(seed: int, subject: int, name: str, slice: int | None = None) -> np.random.Generator:
    """Random stream of a named field, apart from those of the image: of one slice, or what all slices share.

    Raises InputError as ``subject_rng`` does.
    """
    place = 0 if slice is None else 1 + _whole("slice", slice)
    stream = zlib.crc32(name.encode())
    return np.random.default_rng([_whole("seed", seed), _whole("subject", subject), place, stream])


def station(slice: int) -> float:
    """Position of a slice in a stack of five, in [0, 4]: 0, 1, 2, 3, 4, then fives that fall between these."""
    turn, step = divmod(slice, 5)
    return (step + turn * GOLDEN % 1) * 4 / 5 if turn else float(step)


def _whole(name: str, value: int) -> int:
    if not isinstance(value, Integral) or value < 0:
        raise InputError(f"The {name} of a phantom is {value!r}; give a whole number of at least 0.")
    return int(value)
