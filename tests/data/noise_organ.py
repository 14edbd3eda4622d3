"""A phantom of noise, in a module of its own: other processes must find it by name."""

import numpy as np

from mribench.spec import PhantomSlice


def draw(seed: int, subject: int, slice: int, size: int = 64) -> PhantomSlice:
    image = np.random.default_rng([seed, subject, slice]).random((size, size), dtype=np.float32)
    return PhantomSlice(image, np.zeros((size, size), np.uint8), {})
