"""Controls as models: fitted to the training split, without a network and without torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mribench.memo import memoize
from mribench.spec import Control, Split


class FittedControl:
    """A control, fitted to the training split at its first call; a ``mribench.spec.Model``."""

    def __init__(self, control: Control, train: Split):
        self.control, self.train = control, train

    def generate(self, indices: Sequence[int], seed: int) -> np.ndarray:
        """float32 (len(indices), H, W) in [0, 1]; image i depends on (seed, i) alone."""
        return self.control.generate(self._state(), indices, seed)

    def denoise(self, x_t: np.ndarray, alpha_bar: float, seed: int) -> np.ndarray:
        """float32 (N, H, W) in [0, 1] from x_t as ``mribench.spec.Model`` says."""
        return self.control.denoise(self._state(), x_t, alpha_bar, seed)

    def _state(self) -> Any:
        return _fit(self.control.fit, self.train.images)


# a suite goes through the tasks and seeds of one control before it comes to the next
@memoize(maxsize=1)
def _fit(fit: Callable[[np.ndarray], Any], images: np.ndarray) -> Any:
    return fit(images.astype(np.float32) / 255)
