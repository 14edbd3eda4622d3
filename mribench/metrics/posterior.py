"""Whether several answers to one measurement vary as much as they err: calibration, and agreement with the data.

Every function takes answers, float (N, K, H, W), truth, float (N, H, W), both in [0, 1], and residuals, float (N, K),
the root mean square of (y - A x) / sigma of each answer over what was measured. It returns float64 (N,), over the
foreground of the truth (``images.foreground``), where answers and truth of air are all black. Raises ``Unavailable``
where K is 1 and a spread is asked for.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from mribench.errors import Unavailable
from mribench.metrics.images import foreground
from mribench.metrics.paired import GREY_LEVEL, masked_mean
from mribench.metrics.significance import student_quantile
from mribench.spec import Metric

MOST = 10.0  # of a logarithm to base 2
ROUNDING = GREY_LEVEL / np.sqrt(12)  # standard deviation of what storing 8 bits does


def coverage_gap(share: float, answers: np.ndarray, truth: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Share of foreground pixels that lie in their interval of ``share``, minus ``share``.

    If answers and truth are draws of one Gaussian, a pixel lies within t(K - 1) s sqrt(1 + 1 / K) of the mean of K
    answers, s being their standard deviation, with that probability.
    """
    mean, spread = _moments(answers)
    half = student_quantile(answers.shape[1] - 1, 1 - share) * spread
    # a stored grey level stands for values up to half a level away
    inside = np.abs(truth.astype(np.float64) - mean) <= half + GREY_LEVEL / 2
    return masked_mean(inside, foreground(truth)) - share


def overconfidence(answers: np.ndarray, truth: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """log2 of the root mean square error of the mean answer over the one that the spread of the answers foretells."""
    mean, spread = _moments(answers)
    inside = foreground(truth)
    error = masked_mean(np.square(truth.astype(np.float64) - mean), inside)
    foretold = masked_mean(np.square(spread), inside)
    ratio = np.maximum(error, ROUNDING**2) / np.maximum(foretold, ROUNDING**2)
    return np.clip(0.5 * np.log2(ratio), -MOST, MOST)


def residual(answers: np.ndarray, truth: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """log2 of the first answer's residual: 0 where it fits the data as the true image does, 1 at twice that."""
    return np.clip(np.log2(np.maximum(residuals[:, 0].astype(np.float64), 2**-MOST)), -MOST, MOST)


def _moments(answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64 (N, H, W): the mean of K answers, and the standard deviation of another draw from that mean."""
    k = answers.shape[1]
    if k < 2:
        raise Unavailable("one answer to a measurement has no spread")
    x = answers.astype(np.float64)
    return x.mean(1), x.std(1, ddof=1) * np.sqrt(1 + 1 / k)


def _posterior(
    name: str, title: str, unit: str, bounds: tuple[float, float], compute, paper: str, **more
) -> Metric:
    return Metric(name, title, unit, "zero", bounds, "posterior", compute, version=1, paper=paper, **more)


_STUDENT = "prediction interval of Student 1908; Gneiting et al. 2007, doi:10.1111/j.1467-9868.2007.00587.x"
COVERAGE_GAP_50 = _posterior(
    "coverage_gap_50",
    "Coverage of 50 % intervals, minus 0.5",
    "",
    (-0.5, 0.5),
    partial(coverage_gap, 0.5),
    _STUDENT,
    headline=False,
)
COVERAGE_GAP_90 = _posterior(
    "coverage_gap_90",
    "Coverage of 90 % intervals, minus 0.9",
    "",
    (-0.9, 0.1),
    partial(coverage_gap, 0.9),
    _STUDENT,
)
OVERCONFIDENCE = _posterior(
    "overconfidence",
    "Error over spread",
    "log2",
    (-MOST, MOST),
    overconfidence,
    "spread against error: Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1",
)
RESIDUAL = _posterior(
    "residual",
    "Residual of the data over its noise",
    "log2",
    (-MOST, MOST),
    residual,
    "discrepancy principle: Morozov 1966",
    headline=False,
)
