"""Student's t against scipy, Holm against his own procedure."""

import math

import numpy as np
import pytest

from mribench.metrics.significance import holm, student_p, student_quantile, subsample_scale

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 5, 19, 20, 101])
def test_student_is_that_of_scipy(dof):
    for t in (0.0, 0.3, 1.0, -2.5, 8.0):
        assert student_p(t, dof) == pytest.approx(2 * stats.t.sf(abs(t), dof), abs=1e-14)
    assert student_quantile(dof) == pytest.approx(stats.t.ppf(0.975, dof))


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
