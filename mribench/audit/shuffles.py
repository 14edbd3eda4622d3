"""Fisher's permutation test with subjects as units: does it matter which of them are in train?

A generator that does not know which subjects trained it treats those of train and of test alike, however good or bad
it is. Whatever is counted per subject is then as likely under any other division of the same subjects.
"""

from __future__ import annotations

import numpy as np

from mribench.seeds import numpy_rng

SHUFFLES = 999
PERCENTILES = (2.5, 97.5)


def divisions(chosen: np.ndarray, name: str) -> np.ndarray:
    """bool (1 + 999, subjects): which subjects are in one of the two splits, as it is and shuffled."""
    rng = numpy_rng(name)
    return np.stack([chosen, *(rng.permutation(chosen) for _ in range(SHUFFLES))])


def p_of(values: np.ndarray) -> float:
    """Share of divisions with a value at least that of the first, the true one; exact, as that one counts too."""
    return float((values >= values[0] - 1e-12 * np.abs(values).max()).mean())


def shuffled(values: np.ndarray, trained: np.ndarray, name: str) -> dict[str, float]:
    """The sum of the subjects' values over train, where 95 % of the shuffled sums lie, and the one-sided p."""
    sums = divisions(trained, name).astype(np.float64) @ values
    low, high = np.percentile(sums[1:], PERCENTILES)
    return {"sum": float(sums[0]), "low": float(low), "high": float(high), "p": p_of(sums)}
