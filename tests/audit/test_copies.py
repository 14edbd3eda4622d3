"""Thresholds by subject, exact intervals, and a rate that stays what it says."""

from fractions import Fraction
from itertools import accumulate
from math import comb

import numpy as np
import pytest

from mribench.audit.copies import FALSE_ALARM, binomial_interval, exceedance, rate_below_threshold, smallest


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
    found = rate_below_threshold(np.array([0.3, 0.2]), np.concatenate([crowd, others]), subjects, 301)
    assert found["threshold"] > 0.5 and found["copies"] == 2
    assert found["false_alarm"] <= FALSE_ALARM and found["held_out_subjects"] == 301


def test_few_subjects_make_the_line_high():
    values = np.linspace(0.5, 1, 60)
    few = rate_below_threshold(values, values, [f"s{i // 20}" for i in range(60)], 3)
    many = rate_below_threshold(values, values, [f"s{i}" for i in range(60)], 60)
    assert few["false_alarm_high"] > 0.5 > 0.1 > many["false_alarm_high"]


def test_the_null_holds():
    """Held-out subjects in the generated ones' place, images of a subject alike: p is small as rarely as it says."""
    rng = np.random.default_rng(0)
    above = 0
    for _ in range(300):
        real = (rng.standard_normal((40, 1)) + 0.5 * rng.standard_normal((40, 5))).ravel()
        subjects = [f"s{i // 5}" for i in range(200)]
        made = rng.standard_normal(200) + 0.5 * rng.standard_normal(200)
        above += rate_below_threshold(made, real, subjects, 40)["p"] <= 0.05
    assert above <= 15  # 5 %


def test_the_null_holds_where_training_subjects_are_near_each_other():
    """Ratios among the training subjects come in pairs, each the other's nearest: half of them are independent."""
    rng = np.random.default_rng(0)
    small = {"half": 0, "all": 0}
    for _ in range(120):
        train, test, made = (rng.standard_normal((n, 2)) for n in (60, 20, 300))
        real = np.concatenate([ratio(test, train), ratio(train, train)])
        names = [f"s{i}" for i in range(80)]
        for name, independent in (("half", 20 + 60 / 2), ("all", 80)):
            small[name] += rate_below_threshold(ratio(made, train), real, names, independent)["p"] <= 0.05
    assert small["half"] <= 10 < small["all"]  # of 120, 6 are expected


def ratio(queries, train):
    """Of distances to the nearest and the second nearest, but for 0: itself."""
    apart = np.linalg.norm(queries[:, None] - train, axis=2)
    first, second = np.sort(np.where(apart > 0, apart, np.inf), axis=1)[:, :2].T
    return first / second


def test_the_number_of_exceedances_by_counting_orders():
    """Of whole numbers the chance is a share of orders: c of the n new values before the threshold, the rest after."""
    for n, below, independent in ((90, 1, 100), (2048, 1, 66), (12, 0, 20)):
        each = [
            Fraction(
                comb(c + below, c) * comb(n - c + independent - below - 1, n - c), comb(n + independent, n)
            )
            for c in range(n + 1)
        ]
        expected = [float(total) for total in accumulate(reversed(each))][::-1]
        assert exceedance(n, below, independent) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_all_new_values_below_the_smallest():
    """Both new values below the smallest of three: they are the first two of five in any order."""
    assert exceedance(2, 0, 3)[2] == pytest.approx(1 / 10)


def test_copies_are_counted_with_their_interval():
    rng = np.random.default_rng(0)
    real = rng.uniform(0.8, 1, 300)
    found = rate_below_threshold(np.array([0.0] * 30 + [1.0] * 70), real, [f"s{i}" for i in range(300)], 300)
    assert (found["copies"], found["n"], found["rate"]) == (30, 100, 0.3)
    assert found["low"] == pytest.approx(0.2124, abs=1e-3) and found["high"] == pytest.approx(
        0.3998, abs=1e-3
    )


def test_the_smallest_of_several_ratios_is_on_one_scale():
    """A ratio of little spread counts as much as one of much; the kind that sees the copy decides."""
    rng = np.random.default_rng(0)
    held = {"wide": rng.normal(0.8, 0.1, 2000), "narrow": rng.normal(0.95, 0.01, 2000)}
    made = {"wide": np.array([0.8, 0.5, 0.8]), "narrow": np.array([0.95, 0.95, 0.92])}
    scaled = smallest(made, held)
    assert scaled[0] == pytest.approx(0, abs=0.05)
    assert scaled[1] == pytest.approx(scaled[2], rel=0.05) and scaled[1] < -1.5
    assert (np.quantile(smallest(held, held), 0.05)) < -1, "two ways of looking find more than one"


def test_the_null_holds_for_the_smallest_of_three():
    """Three kinds that are unalike in spread and tail: the threshold is of their smallest, so none is free."""
    rng = np.random.default_rng(0)

    def ratios(n):
        return {"a": rng.normal(0.9, 0.02, n), "b": rng.beta(8, 2, n), "c": 1 - rng.exponential(0.05, n)}

    small = 0
    for _ in range(300):
        held, made = ratios(120), ratios(100)
        values = smallest(made, held), smallest(held, held)
        small += rate_below_threshold(*values, [f"s{i}" for i in range(120)], 120)["p"] <= 0.02
    assert small <= 14  # 6 are expected


def test_repeats_are_draws_no_more():
    """Ten values below the threshold that repeat one another are one of 91."""
    rng = np.random.default_rng(0)
    made, real = np.array([0.0] * 10 + [1.0] * 90), rng.uniform(0.8, 1, 300)
    names = [f"s{i}" for i in range(300)]
    alone = rate_below_threshold(made, real, names, 300)
    found = rate_below_threshold(made, real, names, 300, np.arange(9, 100))
    assert alone["p"] < 0.001 and found["p"] > 0.2
    assert (found["rate"], found["distinct"], found["distinct_copies"]) == (0.1, 91, 1)
    assert found["low"] < alone["low"] and found["high"] > alone["high"]
