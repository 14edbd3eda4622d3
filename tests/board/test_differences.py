"""Paired differences: sharper than two intervals, right under the null, over subjects and over seeds."""

from dataclasses import replace

import numpy as np
import pytest

from mribench.board.boards import boards
from mribench.board.differences import corrected, difference
from mribench.board.group import KERNEL_DISTANCE
from mribench.metrics.uncertainty import round_for_record
from mribench.spec import Score

PSNR = ("psnr", None, 0.5)


def rows(*found):
    (board,) = boards(found)
    return board.rows


def test_pairs_see_what_overlapping_intervals_hide(scored):
    one, other = rows(scored("a", 100.0), scored("b", 108.0))
    assert one.estimates[KERNEL_DISTANCE].high > other.estimates[KERNEL_DISTANCE].low
    found = difference(one, other, KERNEL_DISTANCE)
    assert found.value == -8.0 and found.high < 0 and found.p < 1e-3
    back = difference(other, one, KERNEL_DISTANCE)
    assert (back.value, back.p) == (8.0, pytest.approx(found.p)) and back.low == pytest.approx(-found.high)


def paired(result, values, variant, seed=0):
    score = Score(
        "psnr", float(np.mean(values)), 60, len(values), level=0.5, per_subject=round_for_record(values)
    )
    about = {"psnr": {"title": "", "unit": "dB", "direction": "up", "paper": ""}}
    return result(scores=(score,), metrics=about, variant=variant, seed=seed)


def test_the_paired_test_is_that_of_student(result):
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    subjects = rng.standard_normal(25)
    a, b = subjects + 0.3 * rng.standard_normal(25), subjects + 0.3 * rng.standard_normal(25) - 0.1
    found = difference(*rows(paired(result, a, "a"), paired(result, b, "b")), PSNR)
    expected = stats.ttest_rel(a, b)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-3)
    interval = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-3)


@pytest.mark.parametrize("seeds", [1, 3])
def test_equal_variants_are_seldom_told_apart(seeds, result):
    """Two variants of one distribution, trained ``seeds`` times, on 25 subjects: 5 % of the worlds, give or take."""
    rng = np.random.default_rng(1)
    said = 0
    for _ in range(200):
        subjects = rng.standard_normal(25)
        made = [
            paired(result, subjects + 0.5 * rng.standard_normal(25) + 0.5 * trained, name, seed)
            for name in ("a", "b")
            for seed, trained in enumerate(rng.standard_normal(seeds) if seeds > 1 else [0.0])
        ]
        said += difference(*rows(*made), PSNR).p < 0.05
    assert said / 200 <= 0.09


def test_without_the_seeds_equal_variants_would_often_be_told_apart(result):
    rng = np.random.default_rng(1)
    said = 0
    for _ in range(100):
        subjects = rng.standard_normal(25)
        a, b = (subjects + 0.3 * rng.standard_normal(25) + 0.5 * rng.standard_normal() for _ in "ab")
        said += difference(*rows(paired(result, a, "a"), paired(result, b, "b")), PSNR).p < 0.05
    assert said / 100 > 0.5


def test_other_seeds_on_either_side_are_not_paired(scored):
    one, other = rows(
        scored("a", 100.0, 0), scored("a", 130.0, 1), scored("b", 108.0, 2), scored("b", 138.0, 3)
    )
    assert difference(one, other, KERNEL_DISTANCE).p > 0.5
    one, other = rows(
        scored("a", 100.0, 0), scored("a", 130.0, 1), scored("b", 108.0, 0), scored("b", 138.0, 1)
    )
    assert difference(one, other, KERNEL_DISTANCE).p < 0.05


def test_equal_rows_do_not_differ(scored):
    one, _ = rows(scored("a"), scored("b"))
    found = difference(one, one, KERNEL_DISTANCE)
    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_without_values_of_subjects_nothing_is_said(scored, result):
    blank = scored("b", reason="x", scores=(replace(scored().scores[0], value=None),))
    bare = scored("c", scores=(replace(scored().scores[0], subsamples=()),))
    fewer = scored("d", scores=(replace(scored().scores[0], subsamples=(1.0, 2.0)),))
    one, *others = rows(scored("a"), blank, bare, fewer)
    assert [difference(one, other, KERNEL_DISTANCE) for other in others] == [None] * 3
    assert difference(one, one, PSNR) is None


def test_what_is_asked_together_is_corrected_together(scored):
    a, b, c = rows(scored("a", 100.0), scored("b", 103.2), scored("c", 100.1))
    found = [
        difference(a, b, KERNEL_DISTANCE),
        difference(a, c, KERNEL_DISTANCE),
        difference(b, c, KERNEL_DISTANCE),
    ]
    adjusted = corrected(found)
    assert [x.p for x in adjusted] == [x.p for x in found]
    smallest = min(adjusted, key=lambda x: x.p)
    assert smallest.adjusted == pytest.approx(3 * smallest.p) and corrected([]) == []
