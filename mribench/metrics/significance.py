"""Is a difference more than chance? Student's t, Holm's correction for several questions, Kendall's tau for orders.

SciPy is imported where it is called: a command that only lists plugins must not wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LEVEL = 0.05
FEW_SUBJECTS = 20  # below this an interval over subjects says little, and chance hides what there is to see


def student_p(t: float, dof: int) -> float:
    """Two-sided p-value of Student's t, in [0, 1]. ``t`` may be infinite; ``dof`` is at least 1."""
    from scipy.special import stdtr

    return float(2 * stdtr(dof, -abs(t)))


def student_quantile(dof: float, level: float = LEVEL) -> float:
    """The t with a two-sided p of ``level``: 12.7 for one degree of freedom, 1.96 for very many."""
    from scipy.special import stdtrit

    return float(stdtrit(dof, 1 - level / 2))


def kendall_tau(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Kendall's tau-b of two lists of scores of the same models: do both put the models in the same order?

    1 is the same order, -1 the reverse. Ties count as in Kendall 1945 (doi:10.1093/biomet/33.3.239).

    Returns:
        None with fewer than two models, or where one list holds nothing but ties.

    Raises:
        ValueError: the lists differ in length.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} scores and {len(b)} scores are not of the same models")
    if len(a) < 2:
        return None
    # a second of import, which only a board with two spaces and several rows asks for
    from scipy.stats import kendalltau

    tau = float(kendalltau(a, b).statistic)
    return None if math.isnan(tau) else tau


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given (Holm 1979, Scandinavian Journal of Statistics 6:65).

    Compared with one level, they keep the chance of any false claim among them below that level.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, so_far = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        so_far = max(so_far, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = so_far
    return adjusted


def subsample_scale(subjects: int) -> float:
    """The factor from the deviation of a half-subsample to that of the full sample: sqrt(m / (n - m)), m of n subjects.

    Politis & Romano 1994 (doi:10.1214/aos/1176325770) scale by sqrt(m / n), which holds for m << n; a half drawn
    without replacement varies less by the finite-population factor (Shao & Wu 1989, doi:10.1214/aos/1176347263).
    """
    return math.sqrt((subjects // 2) / (subjects - subjects // 2))
