"""Positions on a drawing, and ticks that a reader expects."""

import pytest

from mribench.board.html.strips import Axis, linear_axis, log_axis, scale, tick_label


def test_a_linear_axis_maps_its_ends_and_holds_what_is_outside():
    axis = Axis(10, 20, 100, 0)
    assert [axis(v) for v in (10, 15, 20, 99, -1)] == [100, 50, 0, 0, 100]


def test_a_logarithmic_axis_is_even_in_factors():
    axis = Axis(1, 100, 0, 10, log=True)
    assert [axis(v) for v in (1, 10, 100, 0.001)] == pytest.approx([0, 5, 10, 0])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (-3, 860, [0, 200, 400, 600, 800]),
        (0.012, 0.019, [0.012, 0.014, 0.016, 0.018]),
        (-7, 7, [-5, 0, 5]),
        (5, 5, [5]),
    ],
)
def test_ticks_are_round_and_within(low, high, ticks):
    assert Axis(low, high, 0, 1).ticks() == pytest.approx(ticks)


def test_logarithmic_ticks():
    assert Axis(8, 75, 0, 1, log=True).ticks() == pytest.approx([10, 20, 50])
    wide = Axis(1, 10_000, 0, 1, log=True).ticks()
    assert len(wide) <= 5 and wide == sorted(wide)


def test_one_value_still_has_an_axis_and_none_has_not():
    for value in (0.0, 5.0, -2.0):
        axis = linear_axis([value], 0, 10)
        assert axis.low < value < axis.high and axis(value) == pytest.approx(5)
    assert scale([]) is None
    assert log_axis([25], 0, 10)(25) == pytest.approx(5)


def test_labels_of_ticks_are_short():
    assert [tick_label(t) for t in (0.0, 0.30000000000000004, 200.0, 20_000.0)] == ["0", "0.3", "200", "20k"]
