"""Kendall's tau-b is scipy's."""

import numpy as np
import pytest

from mribench.metrics.agreement import kendall_tau


def test_it_is_scipys_also_with_ties():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = rng.integers(0, 5, (2, 8))
        expected = stats.kendalltau(a, b).statistic
        assert np.isnan(expected) or kendall_tau(a, b) == pytest.approx(expected)


def test_same_order_reverse_and_nothing_to_say():
    assert kendall_tau([1, 2, 3], [10, 20, 30]) == 1
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == -1
    assert kendall_tau([1], [1]) is None
    assert kendall_tau([1, 2], [5, 5]) is None
    with pytest.raises(ValueError):
        kendall_tau([1, 2], [1])
