"""Scores of metrics that give a number of each image or of each subject; blanks, where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mribench.errors import Unavailable
from mribench.metrics.uncertainty import UNBOUNDED, mean_interval, round_for_record, subject_means
from mribench.spec import Metric, Score


def computed_score(
    metric: Metric, arguments: tuple[Any, ...], subjects: Sequence[str], level: float | None = None
) -> Score:
    """``mean_score`` of what a metric computes; a blank where it raises ``Unavailable``.

    Args:
        metric: Of a kind that gives a number of each image.
        arguments: Those of ``metric.compute``, as its kind says: of a paired metric N outputs and their references.
        subjects: Of the N images.
        level: As ``Score.level``.
    """
    try:
        values = metric.compute(*arguments)
    except Unavailable as reason:
        return blank_score(metric, str(reason), subjects, level)
    return mean_score(metric, values, subjects, level=level)


def answers_score(
    metric: Metric,
    answers: np.ndarray,
    truth: np.ndarray,
    subjects: Sequence[str],
    level: float | None = None,
    residuals: np.ndarray | None = None,
) -> Score:
    """``computed_score`` of several answers to each measurement.

    A metric of the kind ``posterior`` sees all answers, one whose name ends with ``_mean`` their mean, any other the
    first.

    Args:
        metric: Paired, or of the kind ``posterior``.
        answers: float (N, K, H, W) in [0, 1].
        truth: float (N, H, W) in [0, 1].
        subjects: Of the N images.
        level: As ``Score.level``.
        residuals: float (N, K), as ``mribench.spec.Answers.residual``; None, where nothing was measured: zeros.
    """
    if metric.kind == "posterior":
        residuals = np.zeros(answers.shape[:2]) if residuals is None else residuals
        return computed_score(metric, (answers, truth, residuals), subjects, level)
    answer = answers.mean(1) if metric.name.endswith("_mean") else answers[:, 0]
    return computed_score(metric, (answer, truth), subjects, level)


def mean_score(
    metric: Metric,
    values: np.ndarray,
    subjects: Sequence[str],
    *,
    n: int | None = None,
    level: float | None = None,
    n_reference: int | None = None,
) -> Score:
    """The mean over subjects, its 95 % interval over subjects, and the number of each for paired comparison.

    Args:
        metric: Whose values they are. Its ``scale`` and ``pooled`` are applied here, and its range bounds the interval.
        values: float64 (N,), one of each image or, where a metric has it, one of each subject.
        subjects: N ids.
        n: Images that entered, where values are of subjects; None: N.
        level: As ``Score.level``.
        n_reference: As ``Score.n_reference``.

    Raises:
        InputError: as ``mribench.metrics.uncertainty.subject_means``.
    """
    _, means = subject_means(values, subjects)
    # the mean of errors is no negative number, of which a pooled metric may have no value
    bounds = (0.0, np.inf) if metric.pooled and np.min(values) >= 0 else UNBOUNDED
    found = (float(means.mean()), *mean_interval(means, bounds))
    # a monotone function of the mean takes the interval along, perhaps upside down
    mean, *ends = (None if x is None else float((metric.pooled or float)(x)) * metric.scale for x in found)
    low, high = ends if None in ends else np.clip(sorted(ends), *metric.range).tolist()
    # the difference of two pooled values is no mean of differences between subjects
    each = () if metric.pooled else round_for_record(means * metric.scale)
    about = {"n_reference": n_reference, "level": level, "per_subject": each}
    return Score(metric.name, mean, len(values) if n is None else n, len(means), low, high, **about)


def blank_score(metric: Metric, reason: str, subjects: Sequence[str], level: float | None = None) -> Score:
    """No value, and why. subjects: of each image that was asked."""
    return Score(metric.name, None, len(subjects), len(set(subjects)), level=level, reason=reason)
