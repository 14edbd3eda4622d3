"""The new interval decides, and an interval, subsamples or values of subjects that were made up never pass."""

from dataclasses import replace

import numpy as np
import pytest

from mribench.metrics.uncertainty import interval_around, round_for_record
from mribench.runner.check_scores import OTHER_OUTPUTS, SAME_OUTPUTS, check_scores
from mribench.spec import Score

RNG = np.random.default_rng(0)
DRAWN = 110.3 + 12 * RNG.standard_normal(200)


def kernel_distance(value=110.3, drawn=DRAWN):
    low, high = interval_around(value, drawn, 40)
    return Score("kd", value, 256, 40, low, high, 160, "hc85-v1", subsamples=round_for_record(drawn))


def psnr():
    means = tuple(round(float(x), 3) for x in 24 + RNG.standard_normal(32))
    return Score("psnr", float(np.mean(means)), 160, 32, 23.7, 24.4, level=0.52409, per_subject=means)


NOW = kernel_distance()


def answer(recorded, now=NOW, same_outputs=True):
    (check,) = check_scores([recorded] if recorded else [], [now] if now else [], same_outputs)
    return check.answer


def shrunk(score, factor=100):
    middle = score.value
    low, high = (middle + (end - middle) / factor for end in (score.low, score.high))
    return replace(
        score, low=low, high=high, subsamples=tuple(middle + (x - middle) / factor for x in score.subsamples)
    )


TAMPERED = {
    "-50 within +-1e6": replace(NOW, value=-50.0, low=-1e6, high=1e6),
    "its interval wide": replace(NOW, low=-1e6, high=1e6),
    "its interval and subsamples shrunk 100-fold": shrunk(NOW),
    "its interval and subsamples shrunk by a tenth": shrunk(NOW, 1 / 0.9),
    "its interval shrunk by a tenth": replace(shrunk(NOW, 1 / 0.9), subsamples=NOW.subsamples),
    "its subsamples shrunk by a tenth": replace(NOW, subsamples=shrunk(NOW, 1 / 0.9).subsamples),
    "subsamples 1.0 lower": replace(NOW, subsamples=tuple(x - 1.0 for x in NOW.subsamples)),
    "subsamples of another": replace(NOW, subsamples=tuple(reversed(NOW.subsamples))),
    "no subsamples": replace(NOW, subsamples=()),
    "no interval": replace(NOW, low=None, high=None),
    "blank": replace(NOW, value=None, low=None, high=None, subsamples=()),
    "no record": None,
}


@pytest.mark.parametrize("same_outputs", [True, False])
@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_made_up_is_not_reproduced(how, same_outputs):
    if how != "blank":
        assert answer(TAMPERED[how], same_outputs=same_outputs) == "not reproduced"
    other = kernel_distance(50.0)
    # of one blank score in a space that has others
    found = check_scores(
        [TAMPERED["blank"], replace(other, metric="fd")], [NOW, replace(other, metric="fd")], True
    )
    assert [check.answer for check in found] == ["not reproduced", "reproduced"]


@pytest.mark.parametrize("factor", [0.9, 0.99])
def test_all_numbers_a_little_better_need_other_outputs(factor):
    better = kernel_distance(NOW.value * factor, DRAWN * factor)
    assert answer(better) == "not reproduced"
    # where the outputs differ, a value may lie anywhere in the new interval, and the interval may hardly change
    assert answer(better, same_outputs=False) == ("not reproduced" if factor == 0.9 else "within interval")


def test_a_value_of_other_outputs_is_judged_by_the_new_interval():
    for moved in (-6.0, 6.0):
        other = kernel_distance(NOW.value + moved, DRAWN + moved)
        assert answer(other, same_outputs=False) == "within interval"
        assert answer(other) == "not reproduced"
    far = kernel_distance(NOW.value + 60, DRAWN + 60)
    assert answer(far, same_outputs=False) == "not reproduced"


def test_rounding_is_no_difference():
    digits = replace(
        NOW, value=NOW.value * (1 + 1e-9), subsamples=tuple(float(f"{x * (1 + 4e-6):.5g}") for x in DRAWN)
    )
    assert answer(digits) == "reproduced"


def test_another_library_moves_a_value_by_a_hundredth_of_its_interval():
    half = (NOW.high - NOW.low) / 2
    moved = 0.9 * SAME_OUTPUTS * half
    assert answer(kernel_distance(NOW.value + moved, DRAWN + moved)) == "within interval"
    moved = 1.5 * SAME_OUTPUTS * half
    assert answer(kernel_distance(NOW.value + moved, DRAWN + moved)) == "not reproduced"


def test_an_interval_may_end_where_its_metric_ends():
    now = replace(NOW, value=0.98, low=0.95, high=1.0, subsamples=())
    recorded = replace(now, value=0.985, low=0.955)
    assert answer(recorded, now, same_outputs=False) == "within interval"
    assert answer(replace(recorded, high=0.985), now, same_outputs=False) == "not reproduced"


def test_values_of_single_subjects_are_compared_in_their_order():
    now = psnr()
    assert answer(now, now) == "reproduced"
    swapped = replace(now, per_subject=tuple(reversed(now.per_subject)))
    nearer = replace(now, per_subject=tuple(24 + (x - 24) / 2 for x in now.per_subject))
    for recorded in (swapped, nearer, replace(now, per_subject=now.per_subject[:-1])):
        assert answer(recorded, now, same_outputs=False) == "not reproduced"


def test_a_whole_space_was_blank_where_its_weights_were_missing():
    fid = replace(NOW, metric="fid", space="inception")
    blank = replace(fid, value=None, low=None, high=None, subsamples=(), reason="no weights")
    assert answer(blank, fid) == "was blank" and answer(blank, blank) == "reproduced"
    assert answer(fid, blank) == "not reproduced"
    assert answer(replace(blank, low=1.0), blank) == "not reproduced"


@pytest.mark.parametrize("field", ["n", "n_reference", "subjects"])
def test_counts_are_equal_or_not_reproduced(field):
    (check,) = check_scores([replace(NOW, **{field: 4000})], [NOW], False)
    assert check.answer == "not reproduced" and f"{field} {getattr(NOW, field)}, on record 4000" in check.said


def test_a_score_that_is_gone_and_one_on_record_twice_are_found():
    assert answer(NOW, None) == "not reproduced"
    found = check_scores([replace(NOW, value=1.0), NOW], [NOW], True)
    assert "not reproduced" in [check.answer for check in found]


def test_a_score_without_interval_is_judged_by_its_value():
    now = replace(NOW, metric="fd", value=1000.0, low=None, high=None, subsamples=())
    answers = {moved: answer(replace(now, value=1000.0 + moved), now) for moved in (0.9, 1.1)}
    assert answers == {0.9: "within interval", 1.1: "not reproduced"}
    answers = {
        moved: answer(replace(now, value=1000.0 + moved), now, same_outputs=False) for moved in (4.9, 5.1)
    }
    assert answers == {4.9: "within interval", 5.1: "not reproduced"}


def test_a_share_of_counted_images_moves_by_whole_images():
    """Other hardware moves one of 80 images across a neighbour's ball; its list has few values, and that of KD many."""
    drawn = RNG.binomial(80, 0.95, 200) / 80
    now = replace(NOW, metric="precision", value=0.95, low=0.91, high=1.0, subsamples=tuple(drawn))
    moved = replace(now, subsamples=tuple(drawn + RNG.choice([0, 0, 0, 1 / 80], 200)))
    assert answer(moved, now, same_outputs=False) == "within interval"
    narrow = replace(now, subsamples=tuple(drawn.mean() + (drawn - drawn.mean()) / 2))
    for recorded, same in (
        (moved, True),
        (narrow, False),
        (replace(now, subsamples=tuple(drawn[::-1])), False),
    ):
        assert answer(recorded, now, same_outputs=same) == "not reproduced"


def test_what_is_allowed_is_less_than_what_tampering_needs():
    assert SAME_OUTPUTS < OTHER_OUTPUTS < 0.1
