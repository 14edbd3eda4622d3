"""How many generated images are nearer to a training image than images of people the network never saw?

What is counted is calibrated on real images of held-out subjects: those of the test split against the training images,
and training images against those of all other training subjects. Images of a subject are alike, so subjects are what
is counted in the calibration; generated images are independent draws and are counted one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import betaincinv

FALSE_ALARM = 0.01  # share of real held-out images below the threshold
CONFIDENCE = 0.95


def rate(generated: np.ndarray, held_out: np.ndarray, subjects: Sequence[str]) -> dict[str, Any]:
    """Share of generated values below a threshold that real held-out images (values, subjects) rarely pass.

    threshold: the smallest held-out value that more than ``FALSE_ALARM`` of the held-out lie at or below, each
    subject weighing the same. rate, low, high: of the generated, with ``binomial_interval``. false_alarm: share of
    held-out below the threshold; false_alarm_high: the upper end of its interval, as if every subject had given one
    image alone, which is the widest that images of one subject can make it.
    """
    _, which, counts = np.unique(np.asarray(subjects), return_inverse=True, return_counts=True)
    weights = 1 / (len(counts) * counts[which])
    order = np.argsort(held_out, kind="stable")
    above = np.cumsum(weights[order]) > FALSE_ALARM
    threshold = held_out[order][above][0]
    alarms = float(weights[held_out < threshold].sum())
    copies = int((generated < threshold).sum())
    low, high = binomial_interval(copies, len(generated))
    return {
        "threshold": float(threshold),
        "copies": copies,
        "n": len(generated),
        "rate": copies / len(generated),
        "low": low,
        "high": high,
        "false_alarm": alarms,
        "false_alarm_high": binomial_interval(alarms * len(counts), len(counts))[1],
        "held_out": len(held_out),
        "held_out_subjects": len(counts),
    }


def binomial_interval(k: float, n: int) -> tuple[float, float]:
    """Exact two-sided 95 % interval of a proportion, k of n; k may be a fraction where units weigh less than one.

    Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404, as quantiles of beta distributions.
    """
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(k, n - k + 1, tail)) if k > 0 else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
    return low, high
