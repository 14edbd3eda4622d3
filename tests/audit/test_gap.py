"""The gap is blind to how good a generator is, and sees one that knows the training subjects."""

import numpy as np

from mribench.audit.gap import generalisation_gap
from mribench.features.hc85 import DIM


def features(rng, subjects, each, name):
    centres = rng.standard_normal((subjects, 1, DIM))
    return (centres + 0.3 * rng.standard_normal((subjects, each, DIM))).reshape(-1, DIM), [
        f"{name}{i // each}" for i in range(subjects * each)
    ]


def test_a_generator_of_its_own_has_no_gap_however_bad_it_is():
    small = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        train, test = features(rng, 12, 4, "a"), features(rng, 5, 4, "b")
        far = rng.standard_normal((40, DIM)) + 2
        small += generalisation_gap(far, *train, *test)["p"] <= 0.05
    assert small <= 8  # 3 of 60 are expected


def test_a_copier_has_a_gap():
    rng = np.random.default_rng(0)
    train, test = features(rng, 12, 4, "a"), features(rng, 12, 4, "b")
    found = generalisation_gap(train[0] + 0.01, *train, *test)
    assert found["p"] <= 0.01 and found["gap"] > found["high"] > 0 > found["low"]
    assert found == generalisation_gap(train[0] + 0.01, *train, *test)
    other = generalisation_gap(test[0] + 0.01, *train, *test)
    assert other["p_test"] <= 0.01 < 0.9 < other["p"] and found["p_test"] > 0.9


def test_a_shuffled_gap_is_as_often_below_0_as_above():
    """Pairs of one subject would make the smaller side look farther away, always."""
    rng = np.random.default_rng(0)
    train, test = features(rng, 20, 6, "a"), features(rng, 3, 6, "b")
    found = generalisation_gap(rng.standard_normal((60, DIM)), *train, *test)
    assert abs(found["low"] + found["high"]) < 0.5 * (found["high"] - found["low"])


def test_one_subject_has_none():
    rng = np.random.default_rng(0)
    train, test = features(rng, 4, 4, "a"), features(rng, 1, 4, "b")
    assert generalisation_gap(train[0], *train, *test)["gap"] is None
