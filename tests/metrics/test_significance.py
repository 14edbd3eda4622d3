"""Student's t and Kendall's tau against their definitions, Holm against his own procedure."""

import math
from itertools import combinations

import numpy as np
import pytest

from mribench.metrics.significance import holm, kendall_tau, student_p, student_quantile, subsample_scale


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 5, 19, 20, 101])
def test_student_is_the_integral_of_the_density(dof):
    """Against the finite series of Abramowitz & Stegun 1964, 26.7.3 and 26.7.4."""
    for t in (0.0, 0.3, 1.0, -2.5, 8.0):
        assert student_p(t, dof) == pytest.approx(series(t, dof), abs=1e-13)
    assert series(student_quantile(dof), dof) == pytest.approx(0.05, abs=1e-13)
    assert series(student_quantile(dof, 0.2), dof) == pytest.approx(0.2, abs=1e-13)


def series(t, dof):
    angle = math.atan(abs(t) / math.sqrt(dof))
    sine, squared = math.sin(angle), math.cos(angle) ** 2
    # 1 + 1/2 c^2 + 1*3/(2*4) c^4 + ... for even dof, c + 2/3 c^3 + 2*4/(3*5) c^5 + ... for odd
    term = total = 1.0 if dof % 2 == 0 else math.cos(angle)
    for k in range(2 + dof % 2, dof - 1, 2):
        term *= squared * (k - 1) / k
        total += term
    inside = sine * total
    return 1 - (2 / math.pi * (angle + (inside if dof > 1 else 0.0)) if dof % 2 else inside)


def test_student_at_the_ends():
    assert student_p(0.0, 7) == 1.0 and student_p(math.inf, 7) == 0.0 and student_p(math.inf, 8) == 0.0
    assert student_quantile(100_000) == pytest.approx(1.96, abs=1e-3)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0] and holm([]) == []


def test_holm_keeps_the_rate_of_false_claims():
    """Twenty true null hypotheses at once: some claim in at most 5 % of the worlds, in 64 % without correction."""
    p = np.random.default_rng(0).random((2000, 20))
    assert np.mean([min(holm(list(row))) < 0.05 for row in p]) < 0.065
    assert np.mean(p.min(1) < 0.05) > 0.6


def test_a_half_tells_of_the_whole():
    """The variance of the mean of half of n values drawn without replacement, scaled, is that of the mean of all."""
    rng = np.random.default_rng(0)
    for n in (21, 40):
        values = rng.standard_normal(n)
        halves = [values[rng.permutation(n)[: n // 2]].mean() for _ in range(20_000)]
        assert np.std(halves) * subsample_scale(n) == pytest.approx(values.std() / math.sqrt(n - 1), rel=0.03)


def test_kendalls_tau_by_counting_pairs_also_with_ties():
    rng = np.random.default_rng(0)
    for size in range(2, 10):
        for _ in range(20):
            a, b = rng.integers(0, 5, (2, size)).tolist()
            tau = by_counting(a, b)
            assert kendall_tau(a, b) == (None if tau is None else pytest.approx(tau, abs=1e-15))


def by_counting(a, b):
    """(concordant - discordant) / sqrt(pairs apart in a x pairs apart in b)."""
    pairs = list(combinations(zip(a, b, strict=True), 2))
    signs = [((x > y) - (x < y), (u > v) - (u < v)) for (x, u), (y, v) in pairs]
    apart = [sum(pair[side] != 0 for pair in signs) for side in (0, 1)]
    return sum(s * t for s, t in signs) / math.sqrt(math.prod(apart)) if all(apart) else None


def test_same_order_reverse_and_nothing_to_say():
    assert kendall_tau([1, 2, 3], [10, 20, 30]) == 1
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == -1
    assert kendall_tau([1], [1]) is None and kendall_tau([], []) is None
    assert kendall_tau([1, 2], [5, 5]) is None
    with pytest.raises(ValueError, match="not of the same models"):
        kendall_tau([1, 2], [1])
