"""Is a difference more than chance? Student's t, and Holm's correction where several are asked about at once.

No numpy here: whoever shows a board, or only lists plugins, shall not wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LEVEL = 0.05


def student_p(t: float, dof: int) -> float:
    """Two-sided p-value of Student's t with a whole number of degrees of freedom, in [0, 1].

    The finite series of Abramowitz & Stegun 1964, 26.7.3 and 26.7.4: exact but for rounding, so that p below about
    1e-15 comes out as 0. ``t`` may be infinite; dof is at least 1.
    """
    angle = math.atan(abs(t) / math.sqrt(dof))
    sine, squared = math.sin(angle), math.cos(angle) ** 2
    # the inner sum: 1 + 1/2 c^2 + 1*3/(2*4) c^4 + ... for even dof, c + 2/3 c^3 + 2*4/(3*5) c^5 + ... for odd
    term = total = 1.0 if dof % 2 == 0 else math.cos(angle)
    for k in range(2 + dof % 2, dof - 1, 2):
        term *= squared * (k - 1) / k
        total += term
    inside = sine * total
    if dof % 2:
        inside = 2 / math.pi * (angle + (inside if dof > 1 else 0.0))
    return min(1.0, max(0.0, 1.0 - inside))


def student_quantile(dof: int, level: float = LEVEL) -> float:
    """The t that a two-sided p of ``level`` belongs to: 12.7 for one degree of freedom, 1.96 for very many."""
    low, high = 0.0, 1.0
    while student_p(high, dof) > level:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if student_p(middle, dof) > level else (low, middle)
    return high


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given: the chance of any false claim among them stays below the level that
    each is held against (Holm 1979, Scandinavian Journal of Statistics 6:65)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, so_far = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        so_far = max(so_far, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = so_far
    return adjusted


def subsample_scale(subjects: int) -> float:
    """What turns the deviation of a half-subsample into one of the full sample: sqrt(m / (n - m)), m of n subjects.

    Politis & Romano 1994 (doi:10.1214/aos/1176325770) scale by sqrt(m / n), which holds for m << n; a half drawn
    without replacement varies less by the finite-population factor (Shao & Wu 1989, doi:10.1214/aos/1176347263).
    """
    return math.sqrt((subjects // 2) / (subjects - subjects // 2))
