"""Dice by subject and its interval against closed forms, another library and simulated worlds."""

import numpy as np
import pytest
import torch
from mribench_downstream.dice import by_subject, dice
from mribench_downstream.intervals import mean_over_both

from mribench.metrics.uncertainty import mean_over_subjects
from mribench.spec import NOT_ANNOTATED


def squares(*columns):
    """Masks of 8 x 8 pixels whose first columns are filled."""
    return np.stack([np.tile(np.arange(8) < n, (8, 1)) for n in columns]).astype(float)


def test_dice_is_twice_the_overlap_over_both_areas():
    assert dice(squares(4, 4, 0, 0), squares(4, 8, 8, 0)) == pytest.approx([1, 2 / 3, 0, 1])


def test_dice_of_a_subject_is_that_of_another_library_over_its_slices():
    from monai.metrics import compute_dice

    rng = np.random.default_rng(0)
    found, truth = rng.integers(0, 4, (2, 6, 8, 8), dtype=np.uint8)
    one_hot = [
        torch.nn.functional.one_hot(torch.from_numpy(m).long(), 4).movedim(-1, 0)[None]
        for m in (found, truth)
    ]
    theirs = compute_dice(*one_hot, include_background=False)[0]
    ours = by_subject(found, truth, ["a"] * 6, 4)
    assert ours[0] == pytest.approx(theirs.numpy(), abs=1e-6)
    assert (by_subject(truth, truth, list("aabbcc"), 4) == 1).all(), "true maps"


def test_structures_that_a_subject_lacks_and_pixels_that_nobody_has_drawn_count_for_nothing():
    truth = np.zeros((2, 4, 4), np.uint8)
    truth[0, :2], truth[1, :, :2] = 1, 2
    found = truth.copy()
    found[:, 3] = 2  # of subject a, which has no such structure
    numbers = by_subject(found, truth, ["a", "b"], 3)
    assert np.isnan(numbers).tolist() == [[False, True], [True, False]]
    assert numbers[0, 0] == 1 and numbers[1, 1] == pytest.approx(16 / 18)
    truth[1, 3] = NOT_ANNOTATED
    assert by_subject(found, truth, ["a", "b"], 3)[1, 1] == 1


def test_the_interval_of_trainings_that_agree_is_that_over_subjects():
    values = np.random.default_rng(0).normal(0.8, 0.1, 30)
    ours = mean_over_both(np.stack([values] * 3))
    theirs = mean_over_subjects(values, [f"{i:02}" for i in range(30)])
    assert ours[0] == pytest.approx(theirs[0])
    # that one also looks at the skewness, and takes the farther end
    assert ours[1] == pytest.approx(theirs[1], abs=0.004) and ours[2] == pytest.approx(theirs[2], abs=0.004)
    assert mean_over_both(values[None])[1:] == (None, None), "one training says nothing of another"
    assert mean_over_both(np.full((3, 4), 0.5)) == (0.5, 0.5, 0.5)
    assert mean_over_both(np.array([[0.9, 1.0], [1.0, 0.2]]), (0, 1))[2] == 1, "within the range"


@pytest.mark.parametrize("of_training", [0.0, 0.03])
def test_the_interval_holds_the_mean_in_95_of_100_worlds_also_where_trainings_differ(of_training):
    rng, covered = np.random.default_rng(0), []
    for _ in range(600):
        subjects, trainings = rng.normal(0, 0.05, 30), rng.normal(0, of_training, (3, 1))
        _, low, high = mean_over_both(0.8 + subjects + trainings + rng.normal(0, 0.02, (3, 30)))
        covered.append(low <= 0.8 <= high)
    assert 0.92 < np.mean(covered) < 0.99
