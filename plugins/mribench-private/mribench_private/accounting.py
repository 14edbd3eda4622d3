"""How much noise a target epsilon needs, and what epsilon a training has spent.

Renyi accounting of the Poisson-subsampled Gaussian mechanism (Mironov, Talwar & Zhang 2019, arXiv 1908.10530) with the
conversion of Balle et al. 2020 (arXiv 1905.09982, theorem 21), both as opacus computes them: an upper bound on epsilon.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

# of Renyi's divergence. Any choice gives a bound; opacus' own 151 orders take five times as long for 0.2 % of it
ORDERS = (
    1.1, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 14.0, 16.0,
    20.0, 24.0, 28.0, 32.0, 48.0, 64.0, 96.0, 128.0, 256.0,
)  # fmt: skip
PRECISION = 1.001  # the noise is at most this factor above the least that serves


def epsilon_spent(noise_multiplier: float, sample_rate: float, steps: int, delta: float) -> float:
    """Epsilon of (epsilon, delta) after so many steps.

    Args:
        noise_multiplier: Standard deviation of the noise over the sensitivity of the sum, above 0.
        sample_rate: Probability of a subject to be drawn in a step, in (0, 1].
        steps: Steps made; none spend nothing.
        delta: In (0, 1).
    """
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    accountant.history = [(noise_multiplier, sample_rate, steps)] if steps else []
    with warnings.catch_warnings():
        # where the best order is the first or the last the bound is looser, and still one
        warnings.filterwarnings("ignore", "Optimal order is the")
        return float(accountant.get_epsilon(delta=delta, alphas=list(ORDERS)))


@lru_cache(maxsize=64)
def noise_for(epsilon: float, delta: float, sample_rate: float, steps: int) -> float:
    """The least noise multiplier, to 0.1 %, with which so many steps spend at most ``epsilon``."""
    low, high = 0.0, 1.0
    while epsilon_spent(high, sample_rate, steps, delta) > epsilon:
        low, high = high, 2 * high
    while high > PRECISION * low:
        middle = (low + high) / 2
        if epsilon_spent(middle, sample_rate, steps, delta) > epsilon:
            low = middle
        else:
            high = middle
    return high
