from __future__ import annotations

import numpy as np

from mribench.data.select import cap, drop_duplicates, quotas
from mribench.data.slices import SliceRecord
from mribench.data.split import BOUNDS, assign


def records(counts: dict[str, int]) -> list[SliceRecord]:
    rng = np.random.default_rng(0)
    return [
        SliceRecord(rng.integers(0, 255, (4, 4)).astype(np.uint8), subject, i, "")
        for subject, n in counts.items()
        for i in range(n)
    ]


def test_nothing_is_dropped_below_the_limit():
    assert len(cap(records({"a": 5, "b": 2}), 7)) == 7


def test_subjects_with_few_slices_stay_whole():
    assert quotas({"a": 100, "b": 3, "c": 50}, 43) == {"a": 20, "b": 3, "c": 20}


def test_the_limit_is_met_exactly():
    counts = {f"s{i}": 1 + i % 7 for i in range(50)}
    for limit in (1, 10, 49, 50, 51, 120, 199):
        assert sum(quotas(counts, limit).values()) == min(limit, sum(counts.values()))
        assert all(0 <= quota <= counts[s] for s, quota in quotas(counts, limit).items())


def test_every_subject_stays_where_the_limit_allows():
    assert set(quotas({f"s{i}": 30 for i in range(20)}, 20).values()) == {1}


def test_slices_are_spread_over_the_subject():
    chosen = [r.slice for r in cap(records({"a": 100}), 5)]
    assert chosen == [10, 30, 50, 70, 90]


def test_input_order_of_subjects_does_not_matter():
    counts = {"a": 9, "b": 20, "c": 4}
    whole = records(counts)
    mixed = sorted(whole, key=lambda r: (r.slice, r.subject))
    assert [(r.subject, r.slice) for r in cap(whole, 10)] == [(r.subject, r.slice) for r in cap(mixed, 10)]


def test_the_same_image_under_two_subjects_is_kept_once_and_told_from_a_repeat():
    one, two = records({"b": 1, "c": 1})
    twin, again = one._replace(subject="a"), two._replace(slice=7)
    kept, twins, leaks = drop_duplicates([one, two, twin, again])
    assert [r.subject for r in kept] == ["a", "c"]
    assert [r.slice for r in twins] == [7]
    assert [r.subject for r in leaks] == ["b"]


def test_a_copy_with_another_window_is_a_copy():
    one, two = records({"b": 1, "c": 1})
    kept, _, _ = drop_duplicates([one._replace(origin=b"1"), two._replace(origin=b"1")])
    assert [r.subject for r in kept] == ["b"]


def shares(kept):
    """split -> its share of the values in {subject: number}."""
    total = sum(kept.values())
    return {split: sum(n for s, n in kept.items() if assign(s) == split) / total for split in BOUNDS}


def test_more_subjects_than_the_limit_keep_the_shares_of_the_splits():
    quota = quotas({f"s{i}": 1 for i in range(1400)}, 1000)
    for split, share in shares({s: n for s, n in quota.items() if n}).items():
        low, high = BOUNDS[split]
        assert abs(share - (high - low)) < 0.05, split


def test_slices_left_over_go_to_all_splits_alike():
    quota = quotas({f"s{i}": 10 for i in range(600)}, 1000)
    for split, share in shares({s: n - 1 for s, n in quota.items()}).items():
        low, high = BOUNDS[split]
        assert abs(share - (high - low)) < 0.05, split
