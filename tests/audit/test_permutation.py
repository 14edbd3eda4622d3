"""Whose images are the nearest: blind to quality and smoothness, not to copies."""

import numpy as np

from mribench.audit.permutation import nearness

SUBJECTS, EACH, DIM = 30, 3, 12
NAMES = [f"s{i // EACH}" for i in range(SUBJECTS * EACH)]
TRAINED = np.repeat(np.arange(SUBJECTS) < 20, EACH)


def world(seed):
    rng = np.random.default_rng(seed)
    real = rng.standard_normal((SUBJECTS, 1, DIM)) + 0.3 * rng.standard_normal((SUBJECTS, EACH, DIM))
    return rng, real.reshape(-1, DIM)


def test_who_knows_nothing_of_the_split_is_rarely_taken_for_a_copier():
    """Also where all images are alike, so that one real image is the nearest of most."""
    small = {"spread": 0, "smooth": 0}
    for seed in range(60):
        rng, real = world(seed)
        for name, width in (("spread", 1.0), ("smooth", 0.1)):
            made = width * rng.standard_normal((40, DIM))
            small[name] += nearness(made, real, NAMES, TRAINED)["p"] <= 0.05
    assert max(small.values()) <= 8  # 3 are expected


def test_a_copier_is_seen():
    rng, real = world(0)
    made = real[TRAINED][rng.integers(TRAINED.sum(), size=40)] + 0.01
    found = nearness(made, real, NAMES, TRAINED)
    assert found["share"] == 1 > found["high"] > found["expected"] == 2 / 3 and found["p"] == 0.001
    assert found == nearness(made, real, NAMES, TRAINED)
    assert found["p_test"] == 1
    other = nearness(real[~TRAINED], real, NAMES, TRAINED)
    assert other["p"] == 1 and other["p_test"] == 0.001


def test_one_subject_of_a_split_says_nothing():
    _, real = world(0)
    found = nearness(real, real, NAMES, np.array(NAMES) != "s0")
    assert found["share"] is None and "p" not in found
