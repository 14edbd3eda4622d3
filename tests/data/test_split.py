from __future__ import annotations

import pytest

from mribench.data.split import BOUNDS, SPLITS, assign, assign_all, check_disjoint, cut, position
from mribench.errors import DataError

KNOWN = [
    "train",
    "train",
    "validation",
    "validation",
    "train",
    "train",
    "train",
    "test",
    "validation",
    "train",
    "validation",
    "train",
]
NAMES = [f"subject-{i}" for i in range(400)]


def test_shares_are_70_15_15():
    counts = {split: [assign(name) for name in NAMES].count(split) for split in SPLITS}
    assert abs(counts["train"] - 280) < 30
    assert abs(counts["validation"] - 60) < 20
    assert abs(counts["test"] - 60) < 20


def test_the_intervals_cover_everything_once():
    edges = [edge for bound in BOUNDS.values() for edge in bound]
    assert edges == [0.0, 0.70, 0.70, 0.85, 0.85, 1.0]


def test_known_assignment_never_changes():
    # a changed hash would silently give every published board another test set
    assert [assign(f"s{i}") for i in range(12)] == KNOWN
    assert [assign(f"s{i}", seed=1) for i in range(12)] != KNOWN


def test_adding_a_subject_moves_no_other():
    before, _ = assign_all(NAMES[:100])
    after, _ = assign_all(NAMES)
    assert {name: after[name] for name in before} == before


def test_order_and_repetition_do_not_matter():
    assert assign_all(NAMES[:20]) == assign_all([*reversed(NAMES[:20]), *NAMES[:20]])


@pytest.mark.parametrize("n", [3, 4, 5, 6, 10, 20, 30, 39])
@pytest.mark.parametrize("seed", range(20))
def test_every_split_has_its_least_share(n, seed):
    splits, adjusted = assign_all(NAMES[:n], seed)
    least = min(3, max(1, n // 10))
    assert all(list(splits.values()).count(split) >= least for split in SPLITS)
    assert adjusted == any(splits[name] != assign(name, seed) for name in splits)


def test_only_what_is_needed_is_moved():
    splits, adjusted = assign_all(NAMES[:3], seed=0)
    assert adjusted
    assert sorted(splits.values()) == sorted(SPLITS)


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b", "a"]])
def test_fewer_than_three_subjects_are_refused(names):
    with pytest.raises(DataError, match=r"Found \d subject\(s\).*need 3"):
        assign_all(names)


def test_a_subject_in_two_splits_is_refused():
    check_disjoint({"train": ["a", "a"], "validation": ["b"], "test": ["c"]})
    with pytest.raises(DataError, match="Subject b is in train and in test"):
        check_disjoint({"train": ["a", "b"], "validation": ["c"], "test": ["b"]})


@pytest.mark.parametrize(
    ("n", "sizes"), [(3, (1, 1, 1)), (6, (4, 1, 1)), (7, (5, 1, 1)), (10, (6, 2, 2)), (19, (13, 3, 3))]
)
def test_few_subjects_of_a_user_are_cut_in_the_order_of_their_hashes(n, sizes):
    for seed in range(5):
        splits = cut([f"p{i}" for i in range(n)], seed)
        assert tuple(list(splits.values()).count(name) for name in SPLITS) == sizes
        order = sorted(splits, key=lambda subject: position(subject, seed))
        assert [splits[subject] for subject in order] == sorted(splits.values(), key=SPLITS.index)
