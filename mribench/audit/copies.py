"""How many generated images are nearer to one of a set of images than real images of other subjects are?

The threshold is calibrated on real images of subjects that are not in the set, and on those of the set against all
other subjects of it. Images of a subject are alike, so the calibration counts subjects. Generated images that repeat
one another are one draw and count once (``repeats``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import betaincinv

FALSE_ALARM = 0.01  # share of real held-out images below the threshold
CONFIDENCE = 0.95
COUNT_SHARE = 0.9  # of a level, for the number of copies; the rest is for the nearest of all, see ``depth``
TAIL = 0.05  # quantile of the held-out ratios, whose depth below their median is their unit


def smallest(ratios: Mapping[str, np.ndarray], held_out: Mapping[str, np.ndarray]) -> np.ndarray:
    """The smallest of several neighbour ratios, each on its own scale.

    On that scale the median of the held-out ratios is 0 and their 5 % quantile -1, so that one threshold serves all
    kinds of copies. A threshold on the smallest takes into account that several were looked for.

    Args:
        ratios: by kind, float (n,).
        held_out: the same kinds, of real held-out images, float (m,).

    Returns:
        float64 (n,).
    """
    scaled = []
    for kind, values in ratios.items():
        middle, low = np.quantile(held_out[kind], [0.5, TAIL])
        scaled.append((values - middle) / max(middle - low, 1e-6))
    return np.min(scaled, axis=0)


def rate_below_threshold(
    generated: np.ndarray,
    held_out: np.ndarray,
    subjects: Sequence[str],
    independent: float,
    distinct: np.ndarray | None = None,
) -> dict[str, Any]:
    """Share of generated values below a threshold that values of real held-out images rarely fall below.

    Args:
        generated: float64 (n,), one value per generated image; small where it is near to a training image.
        held_out: float64 (m,), one value per held-out image.
        subjects: subject of each held-out image.
        independent: how many independent values the held-out ones are worth, at most their subjects.
        distinct: rows of the generated images that stand for themselves and their repeats; None where all do.

    Returns:
        ``threshold``: the smallest held-out value that more than ``FALSE_ALARM`` of the held-out lie at or below, each
        subject weighing the same. ``copies`` of ``n`` generated values lie below it: ``rate``, with an interval ``low``
        to ``high`` as of ``distinct`` values. ``distinct_copies`` of these lie below it. ``false_alarm``:
        share of held-out values below it; ``false_alarm_high``: the upper end of its interval. ``p``: see
        ``exceedance``. ``held_out``, ``held_out_subjects``, ``independent``: how many.
    """
    _, which, counts = np.unique(np.asarray(subjects), return_inverse=True, return_counts=True)
    weights = 1 / (len(counts) * counts[which])
    order = np.argsort(held_out, kind="stable")
    above = np.cumsum(weights[order]) > FALSE_ALARM
    threshold = held_out[order][above][0]
    alarms = float(weights[held_out < threshold].sum())
    below_it = generated < threshold
    ours = below_it if distinct is None else below_it[distinct]
    rate = float(below_it.mean())
    low, high = binomial_interval(rate * len(ours), len(ours))
    below = alarms * independent
    return {
        "threshold": float(threshold),
        "copies": int(below_it.sum()),
        "n": len(generated),
        "rate": rate,
        "distinct": len(ours),
        "distinct_copies": int(ours.sum()),
        "low": low,
        "high": high,
        "false_alarm": alarms,
        "false_alarm_high": binomial_interval(below, independent)[1],
        "p": float(exceedance(len(ours), below, independent)[int(ours.sum())]),
        "held_out": len(held_out),
        "held_out_subjects": len(counts),
        "independent": float(independent),
    }


def exceedance(n: int, below: float, independent: float) -> np.ndarray:
    """The chance that c or more of n new values lie below a threshold, for c from 0 to n.

    The new values come from the distribution of the held-out ones, whichever that is (Gumbel & von Schelling 1950,
    Annals of Mathematical Statistics 21:247). The probability of a new value below the threshold is then
    Beta(below + 1, independent - below), and their number beta-binomial. That the threshold itself is uncertain is
    thereby counted.

    Args:
        n: how many new values.
        below: how many of the held-out values lie below the threshold; may be fractional.
        independent: how many held-out values there are; may be fractional.

    Returns:
        float64 (n + 1,).
    """
    from scipy.stats import betabinom

    chances = betabinom.pmf(np.arange(n + 1), n, below + 1, independent - below)
    # summed from the rare end: betabinom.sf is 1 - cdf, which loses small probabilities to rounding
    return np.minimum(np.cumsum(chances[::-1])[::-1], 1.0)


def binomial_interval(k: float, n: float) -> tuple[float, float]:
    """Exact two-sided 95 % interval of a proportion, k of n; both may be fractional where units weigh less than one.

    Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404, as quantiles of beta distributions.
    """
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k > 0 else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return low, high
