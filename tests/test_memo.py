"""Memoised results are told apart by content, is bounded, and errors are not kept."""

from functools import partial

import numpy as np
import pytest

from mribench.memo import content_key, memoize
from mribench.sampling.controls import FittedControl
from mribench.spec import Control, Split


def counting(most=2):
    calls = []

    @memoize(maxsize=most)
    def total(values, plus=0):
        calls.append(len(values))
        return np.sum(values) + plus

    return total, calls


def test_equal_content_is_looked_at_once_whatever_holds_it():
    total, calls = counting()
    a = np.arange(6.0)
    assert total(a) == total(a.copy()) == total(np.arange(12.0)[:6]) == 15
    assert len(calls) == 1


@pytest.mark.parametrize(
    "other",
    [np.arange(6.0) + 1, np.arange(6.0).reshape(2, 3), np.arange(6), np.arange(6.0, dtype=np.float32)],
)
def test_other_numbers_another_shape_or_type_are_something_else(other):
    assert content_key(np.arange(6.0)) != content_key(other)


def test_an_array_that_is_changed_is_looked_at_again():
    total, calls = counting()
    a = np.arange(3.0)
    assert total(a) == 3
    a[0] = 10
    assert total(a) == 13 and len(calls) == 2


def test_the_oldest_makes_way():
    total, calls = counting(most=2)
    a, b, c = (np.full(2, i) for i in range(3))
    for values in (a, b, a, c, a, b):
        total(values)
    # b was the one unused for longest when c came
    assert len(calls) == 4


def test_names_of_arguments_count_and_nothing_is_kept_of_an_error():
    total, calls = counting()
    assert total(np.ones(2), plus=1) == 3 and total(np.ones(2), plus=2) == 4
    for _ in range(2):
        with pytest.raises(TypeError):
            total(np.ones(2), plus="one")
    assert len(calls) == 4


def test_partial_functions_subjects_and_strings_of_arrays():
    assert (
        content_key(partial(max, default=1))
        == content_key(partial(max, default=1))
        != content_key(partial(max, default=2))
    )
    assert content_key(("a", "b")) == content_key(["a", "b"]) != content_key(("a", "c"))
    assert content_key(np.array(["a", "b"])) != content_key(np.array(["a", "c"]))


def test_a_control_is_fitted_once_and_only_where_it_is_asked_for_something():
    fits = []
    control = Control(
        name="mean",
        title="",
        paper="",
        fit=lambda train: fits.append(train.shape) or train.mean(),
        generate=lambda state, indices, seed: np.full((len(indices), 2, 2), state),
        denoise=lambda state, x_t, alpha_bar, seed: x_t,
    )
    train = Split(np.full((4, 2, 2), 51, np.uint8), tuple("abcd"))
    first, second = FittedControl(control, train), FittedControl(control, train)
    assert fits == []
    assert first.generate(range(3), 0)[0, 0, 0] == pytest.approx(0.2)
    second.denoise(np.zeros((1, 2, 2)), 0.5, 1)
    assert fits == [(4, 2, 2)]
