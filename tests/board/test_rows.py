"""Rows: an interval over several seeds covers what another training on other patients would give."""

from statistics import mean, stdev

import numpy as np
import pytest

from mribench.board.boards import boards
from mribench.board.group import KERNEL_DISTANCE
from mribench.board.rows import between_seeds


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("between", [0.0, 0.5, 3.0])
def test_intervals_over_seeds_and_subjects_cover_the_truth(seeds, between):
    """Truth 0; the test subjects move every seed alike (deviation 1), each training moves its own (``between``)."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1000):
        values = rng.standard_normal() + between * rng.standard_normal(seeds)
        value = mean(values)
        low, high = between_seeds(value, value - 1.96, value + 1.96, stdev(values), seeds)
        hits += low <= 0 <= high
    assert 0.93 <= hits / 1000 <= 0.995


def test_without_seeds_the_interval_is_too_narrow():
    """What the mean of single intervals would cover: three trainings that differ as much as the subjects do."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((1000, 1)) + 3 * rng.standard_normal((1000, 3))
    assert np.mean(np.abs(values.mean(1)) < 1.96) < 0.75


def test_one_seed_keeps_the_interval_over_subjects():
    assert between_seeds(5.0, 4.0, 7.0, None, 1) == (4.0, 7.0)


def test_an_entry_keeps_both_intervals(scored):
    (board,) = boards([scored(value=100.0), scored(value=110.0, seed=1), scored(value=120.0, seed=2)])
    entry = board.row("ddpm").estimates[KERNEL_DISTANCE]
    assert (entry.within_low, entry.within_high) == (100.0, 120.0)
    assert entry.low < 90 and entry.high > 130


@pytest.mark.parametrize(
    ("verdicts", "gravest"),
    [
        (["not detected", "suspect"], "suspect"),
        (["MEMORISES", "not detected", None], "MEMORISES"),
        (["cannot say: only 3 test subjects", "not detected"], "cannot say: only 3 test subjects"),
        ([None], None),
    ],
)
def test_the_gravest_verdict_counts(verdicts, gravest, scored):
    found = [scored(seed=i, audit=v and {"verdict": v}) for i, v in enumerate(verdicts)]
    assert boards(found)[0].row("ddpm").audit == gravest
