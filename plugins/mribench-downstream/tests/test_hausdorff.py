"""Known answers of the distance between borders."""

import numpy as np
import pytest
from mribench_downstream.hausdorff import by_subject, hd95

from mribench.spec import NOT_ANNOTATED


def square(left, size=12):
    mask = np.zeros((32, 32), dtype=np.uint8)
    mask[10 : 10 + size, left : left + size] = 1
    return mask


def test_a_square_that_is_moved_is_as_far_as_it_was_moved():
    moved = np.stack([square(left) for left in (8, 9, 11)])
    assert hd95(moved, np.stack([square(8)] * 3)) == pytest.approx([0, 1, 3])


def test_a_mask_that_is_missing_is_the_diagonal_away_and_two_are_equal():
    none = np.zeros((2, 32, 32))
    assert hd95(none, np.stack([square(8), none[0]])) == pytest.approx([np.hypot(32, 32), 0])


def test_it_is_the_mean_over_the_slices_that_show_the_structure():
    truth = np.stack([square(8), square(8), 0 * square(8), 2 * square(8)])
    found = np.stack([square(9), square(11), square(8), 2 * square(8)])
    numbers = by_subject(found, truth, ["b", "b", "b", "a"], 3)
    assert numbers == pytest.approx(np.array([[np.nan, 0], [2, np.nan]]), nan_ok=True)


def test_what_nobody_annotated_counts_for_nothing():
    truth, found = square(8)[None], square(8)[None].copy()
    truth[:, 25:], found[:, 30] = NOT_ANNOTATED, 1
    assert by_subject(found, truth, ["a"], 2) == pytest.approx(np.array([[0]]))
