"""What is trained on where only the time counts."""

from __future__ import annotations

import numpy as np

from mribench.seeds import numpy_rng

IMAGES = 512


def drawn(n: int, size: int) -> np.ndarray:
    """uint8 (n, size, size): a smooth body on black with a little noise, which PNG packs about as it packs a scan."""
    rng = numpy_rng("optimisations")
    y, x = np.mgrid[:size, :size] / size
    at = rng.uniform(0.3, 0.7, (2, n, 1, 1))
    body = 220 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 0.1) * (np.hypot(x - 0.5, y - 0.5) < 0.35)
    return (body + rng.integers(0, 8, body.shape)).astype(np.uint8)
