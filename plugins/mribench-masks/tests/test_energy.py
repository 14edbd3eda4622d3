"""Distances between masks by enumeration of all masks of two pixels."""

from itertools import product

import numpy as np
import pytest
from mribench_masks import energy
from mribench_masks.delineation import energies

from mribench.spec import NOT_ANNOTATED

MASKS = [np.array([mask], float) for mask in product((0, 1), repeat=2)]  # (1, 2): none, right, left, both
# 1 - |X and Y| / |X or Y|, in the order of MASKS
BY_HAND = np.array([[0, 1, 1, 1], [1, 0, 1, 0.5], [1, 1, 0, 0.5], [1, 0.5, 0.5, 0]])


def of(drawn, truth):
    """Of draws by their places in MASKS, and a true one."""
    return energy.distances(np.stack([MASKS[place] for place in drawn])[None], MASKS[truth][None])


def test_the_distance_of_two_masks_of_two_pixels_is_that_by_hand():
    found = [[energy.jaccard_distance(x[None], y[None])[0] for y in MASKS] for x in MASKS]
    assert np.array_equal(found, BY_HAND)


@pytest.mark.parametrize("truth", range(4))
def test_the_energy_distance_is_that_of_all_pairs_of_different_draws(truth):
    for drawn in product(range(4), repeat=3):
        found = of(drawn, truth)
        pairs = [BY_HAND[drawn[i], drawn[j]] for i in range(3) for j in range(3) if i != j]
        assert energy.ged(found) == pytest.approx(2 * BY_HAND[list(drawn), truth].mean() - np.mean(pairs))
        assert energy.ged(found)[0] >= -1e-12
    assert energy.ged(of([truth] * 3, truth)) == 0


def test_it_does_not_hang_in_the_mean_on_how_many_draws_are_taken():
    odds = np.array([0.1, 0.2, 0.3, 0.4])
    expected = {}
    for k in (2, 3):
        every = list(product(range(4), repeat=k))
        weights = np.array([odds[list(drawn)].prod() for drawn in every])
        expected[k] = weights @ [energy.ged(of(drawn, 1))[0] for drawn in every]
    assert expected[2] == pytest.approx(expected[3])
    assert expected[2] == pytest.approx(2 * odds @ BY_HAND[:, 1] - odds @ BY_HAND @ odds)


def test_in_the_mean_over_truths_it_is_least_for_draws_with_the_odds_of_the_truth():
    """And then the distance to the truth is that between draws. Odds of all four masks in steps of a fifth."""
    truth = np.array([0, 1, 1, 3]) / 5
    found = {}
    for shares in product(range(6), repeat=4):
        if sum(shares) == 5:
            odds = np.array(shares) / 5
            apart = energy.Distances(odds @ BY_HAND @ truth, odds @ BY_HAND @ odds)
            found[shares] = energy.ged(apart), energy.overconfidence(apart)
    assert min(found, key=lambda shares: found[shares][0]) == (0, 1, 1, 3)
    assert found[0, 1, 1, 3][1] == pytest.approx(0)
    assert found[0, 0, 0, 5][1] > 0, "a single answer is too sure"
    assert found[3, 1, 1, 0][1] > 0, "and so are draws that vary about something else"


def test_a_single_answer_has_twice_its_distance():
    found = of([3], 1)
    assert energy.ged(found) == pytest.approx(1.0) and energy.overconfidence(found) == pytest.approx(0.5)


def test_distances_of_label_maps_are_means_over_all_structures_where_somebody_has_drawn():
    truth = np.array([[[1, 2, 0, NOT_ANNOTATED]]], np.uint8)
    answer = np.array([[[[1, 1, 0, 2]]]], np.uint8)
    found = energies(answer, truth, 4)
    # 1 is found twice where it is once, 2 is missed, 3 is neither there nor found, and the last pixel does not count
    assert found.to_truth == pytest.approx((0.5 + 1 + 0) / 3) and found.between == 0
