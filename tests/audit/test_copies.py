"""Thresholds by subject, exact intervals, and a rate that stays what it says."""

import numpy as np
import pytest

from mribench.audit.copies import FALSE_ALARM, binomial_interval, rate


def test_intervals_against_published_and_exact_ones():
    # Clopper & Pearson 1934 and any textbook: 0 of 10, 5 of 10, 10 of 10
    assert binomial_interval(0, 10) == pytest.approx((0, 0.3085), abs=1e-4)
    assert binomial_interval(5, 10) == pytest.approx((0.1871, 0.8129), abs=1e-4)
    assert binomial_interval(10, 10) == pytest.approx((0.6915, 1), abs=1e-4)
    low, high = binomial_interval(2.5, 100)
    assert binomial_interval(2, 100)[0] < low < 0.025 < high < binomial_interval(3, 100)[1]


def test_the_threshold_weighs_subjects_not_images():
    """A subject with a thousand images near the training set is one subject."""
    crowd = np.full(1000, 0.1)
    others = np.linspace(0.5, 1, 300)
    subjects = ["crowd"] * 1000 + [f"s{i}" for i in range(300)]
    found = rate(np.array([0.3, 0.2]), np.concatenate([crowd, others]), subjects)
    assert found["threshold"] > 0.5 and found["copies"] == 2
    assert found["false_alarm"] <= FALSE_ALARM and found["held_out_subjects"] == 301


def test_few_subjects_make_the_line_high():
    values = np.linspace(0.5, 1, 60)
    few = rate(values, values, [f"s{i // 20}" for i in range(60)])
    many = rate(values, values, [f"s{i}" for i in range(60)])
    assert few["false_alarm_high"] > 0.5 > 0.1 > many["false_alarm_high"]


def test_the_null_holds():
    """Held-out subjects in the generated ones' place, images of a subject alike: hardly ever above the line."""
    rng = np.random.default_rng(0)
    above = 0
    for _ in range(300):
        real = (rng.standard_normal((40, 1)) + 0.5 * rng.standard_normal((40, 5))).ravel()
        subjects = [f"s{i // 5}" for i in range(200)]
        made = rng.standard_normal(200) + 0.5 * rng.standard_normal(200)
        found = rate(made, real, subjects)
        above += found["low"] > found["false_alarm_high"]
    assert above <= 6  # 2 %


def test_copies_are_counted_with_their_interval():
    rng = np.random.default_rng(0)
    real = rng.uniform(0.8, 1, 300)
    found = rate(np.array([0.0] * 30 + [1.0] * 70), real, [f"s{i}" for i in range(300)])
    assert (found["copies"], found["n"], found["rate"]) == (30, 100, 0.3)
    assert found["low"] == pytest.approx(0.2124, abs=1e-3) and found["high"] == pytest.approx(
        0.3998, abs=1e-3
    )
