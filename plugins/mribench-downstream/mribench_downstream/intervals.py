"""Intervals of a mean over test subjects and over trainings, each of which saw all of the subjects."""

from __future__ import annotations

import numpy as np


def mean_over_both(
    values: np.ndarray, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float | None, float | None]:
    """Mean and 95 % interval, (mean, low, high), where both trainings and subjects are a sample of many.

    The variance of the mean in a two-way layout with random effects, (MS_K + MS_S - MS_KS) / K S, and Student's t with
    the degrees of freedom of Satterthwaite (1946, doi:10.2307/3002019). A component that comes out negative is taken
    for 0. No interval of fewer than two trainings or subjects.

    Args:
        values: float64 (K, S), a number of each training and subject.
        bounds: What the mean can be.
    """
    trainings, subjects = values.shape
    mean = float(values.mean())
    if min(trainings, subjects) < 2:
        return mean, None, None
    from scipy.stats import t

    of_training, of_subject = values.mean(1) - mean, values.mean(0) - mean
    rest = values - mean - of_training[:, None] - of_subject
    dof_k, dof_s, dof_rest = trainings - 1, subjects - 1, (trainings - 1) * (subjects - 1)
    ms_k = subjects * np.square(of_training).sum() / dof_k
    ms_s = trainings * np.square(of_subject).sum() / dof_s
    ms_rest = np.square(rest).sum() / dof_rest
    parts = [(ms_k, dof_k), (ms_s, dof_s), (-ms_rest, dof_rest)]
    if ms_k <= ms_rest:
        parts = [(max(ms_s, ms_rest), dof_s)]
    elif ms_s <= ms_rest:
        parts = [(ms_k, dof_k)]
    total = sum(part for part, _ in parts)
    if total <= 0:
        return mean, mean, mean
    freedom = total**2 / sum(part**2 / dof for part, dof in parts)
    margin = t.ppf(0.975, freedom) * np.sqrt(total / values.size)
    low, high = np.clip([mean - margin, mean + margin], *bounds).tolist()
    return mean, low, high
