"""One copy among many images is seen by how near it comes, and honest images lie as deep as rarely as p says."""

import numpy as np
import pytest
from test_copies import ratio

from mribench.audit.depth import depth


def one_kind(made, real, independent, subjects=None):
    subjects = [f"s{i}" for i in range(len(real))] if subjects is None else subjects
    return depth({"whole": made}, {"whole": real}, subjects, independent)


@pytest.mark.parametrize("dimension", [1, 2, 5, 20])
def test_the_null_holds_in_every_dimension(dimension):
    """Neighbour ratios of points of a Gaussian cloud: of 200 worlds p is at most 5 % in 10, on average."""
    rng = np.random.default_rng(dimension)
    small = 0
    for _ in range(200):
        train, test, made = (rng.standard_normal((n, dimension)) for n in (60, 20, 90))
        real = np.concatenate([ratio(test, train), ratio(train, train)])
        small += one_kind(ratio(made, train), real, 20 + 60 / 2)["p"] <= 0.05
    assert small <= 17  # P(more) is 1 % at 5 %


def test_the_chance_is_that_of_exponential_depths():
    """Of 50 exponential depths the ten deepest give the scale; 40 new ones lie as deep as p says, or more rarely."""
    rng = np.random.default_rng(0)
    p = np.array(
        [one_kind(*(np.exp(-rng.exponential(0.2, n)) for n in (40, 50)), 50)["p"] for _ in range(4000)]
    )
    for level in (0.2, 0.05, 0.01):
        assert 0.5 * level < np.mean(p <= level) < 1.15 * level


def test_one_copy_among_many_images_is_seen():
    rng = np.random.default_rng(0)
    train, test, made = (rng.standard_normal((n, 10)) for n in (110, 30, 90))
    real = np.concatenate([ratio(test, train), ratio(train, train)])
    honest = one_kind(ratio(made, train), real, 30 + 110 / 2)
    made[7] = train[3] + 0.01
    found = one_kind(ratio(made, train), real, 30 + 110 / 2)
    assert honest["p"] > 0.05 and found["p"] < 1e-6
    assert found["ratio"] < 0.05 < found["ratio_held_out"]


def test_images_of_a_subject_are_one_value():
    """Ten images each of five deep subjects are worth five, so that less is known of the tail."""
    rng = np.random.default_rng(0)
    real, made = np.exp(-rng.exponential(0.2, 60)), np.array([0.1])
    known = one_kind(made, real, 60)
    again = one_kind(made, np.repeat(real, 10), 60, [f"s{i}" for i in range(60) for _ in range(10)])
    assert again == known
    assert one_kind(made, real, 30)["p"] > known["p"], "dependent subjects say less"


def test_the_kind_that_sees_the_copy_decides():
    rng = np.random.default_rng(0)
    held = {kind: rng.uniform(0.6, 1, 100) for kind in ("whole", "half")}
    made = {"whole": np.full(9, 0.9), "half": np.array([0.01, *[0.9] * 8])}
    found = depth(made, held, [f"s{i}" for i in range(100)], 100)
    assert (found["kind"], found["ratio"]) == ("half", 0.01) and found["p"] < 1e-4


def test_nothing_is_said_without_a_tail():
    """One subject, or images as near as held-out copies are."""
    assert one_kind(np.array([0.0]), np.array([0.5, 0.6]), 1, ["a", "a"])["p"] == 1
    assert one_kind(np.zeros(5), np.zeros(50), 50)["p"] == 1
