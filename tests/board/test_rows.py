"""Rows: an interval over several seeds covers what another training on other patients would give."""

from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest

from mribench import results
from mribench.board.boards import boards
from mribench.board.group import KERNEL_DISTANCE
from mribench.board.rows import UNBOUNDED, TrainingVariance, with_training
from mribench.metrics.significance import student_quantile
from mribench.plugins import lookup
from mribench.spec import Score

KEPT = Path(__file__).parents[2] / "leaderboards"


def with_seeds(values, subjects=21, bounds=UNBOUNDED, half=1.0):
    """The interval of a mean over seeds; over the test subjects it is t times the deviation 1 long on each side."""
    value, half = mean(values), half * student_quantile(subjects - 1)
    training = TrainingVariance(stdev(values) ** 2 / len(values), len(values) - 1)
    return with_training(value, value - half, value + half, training, subjects, bounds)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("between", [0.0, 0.5, 3.0])
def test_intervals_over_seeds_and_subjects_cover_the_truth(seeds, between):
    """Truth 0; the test subjects move every seed alike (deviation 1), each training moves its own (``between``)."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(1000):
        # the standard error over subjects is an estimate, too
        half = np.sqrt(rng.chisquare(20) / 20)
        values = rng.standard_normal() + between * rng.standard_normal(seeds)
        low, high = with_seeds(values, half=half)
        hits += low <= 0 <= high
    assert 0.93 <= hits / 1000 <= (0.97 if seeds > 2 else 0.995)


def test_without_seeds_the_interval_is_too_narrow():
    """What the mean of single intervals would cover: three trainings that differ as much as the subjects do."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((1000, 1)) + 3 * rng.standard_normal((1000, 3))
    assert np.mean(np.abs(values.mean(1)) < 1.96) < 0.75


def test_without_a_variance_of_trainings_the_interval_over_subjects_stays():
    assert with_training(5.0, 4.0, 7.0, None, 20, UNBOUNDED) == (4.0, 7.0)
    assert with_training(5.0, 4.0, 7.0, TrainingVariance(0.0, 2), 20, UNBOUNDED) == (4.0, 7.0)


def test_each_side_grows_by_the_same_variance():
    low, high = with_training(5.0, 4.0, 7.0, TrainingVariance(1.0, 10_000), 10_000, UNBOUNDED)
    assert (5 - low, high - 5) == pytest.approx((np.hypot(1, 1.96), np.hypot(2, 1.96)), rel=1e-2)


def test_an_interval_over_seeds_stays_in_the_range():
    assert with_seeds([0.1, 0.4, 0.9], bounds=(0.0, 1.0)) == (0.0, 1.0)
    assert with_seeds([0.1, 0.4, 0.9])[0] < 0


def precision(value, seed, low, high, **changes):
    score = Score("precision", value, 24, 21, low, high, 12, "hc85-v1")
    about = {"precision": {"title": "", "unit": "", "direction": "up", "paper": ""} | changes}
    return {"scores": (score,), "metrics": about, "seed": seed}


@pytest.mark.parametrize(
    "about",
    [{}, {"range": [0.0, 1.0]}],
    ids=["the installed metric, for records that do not say it", "the record"],
)
def test_the_range_comes_from(about, result):
    made = [precision(v, i, v - 0.1, v + 0.1, **about) for i, v in enumerate([0.05, 0.02, 0.03])]
    (board,) = boards([result(**one) for one in made])
    entry = board.rows[0].estimates[("precision", "hc85-v1", None)]
    assert entry.low == entry.within_low == 0.0 and 0.1 < entry.within_high <= entry.high < 1


def test_of_a_metric_that_is_unknown_here_nothing_is_cut(result):
    made = precision(0.05, 0, -0.05, 0.15)
    about = {"mine": made.pop("metrics")["precision"] | {"range": [None, 0.1]}}
    (score,) = made.pop("scores")
    (board,) = boards([result(scores=(replace(score, metric="mine"),), metrics=about)])
    assert board.rows[0].estimates[("mine", "hc85-v1", None)].high == 0.1
    del about["mine"]["range"]
    (board,) = boards([result(scores=(replace(score, metric="mine"),), metrics=about)])
    assert board.rows[0].estimates[("mine", "hc85-v1", None)].high == 0.15


@pytest.mark.skipif(not KEPT.is_dir(), reason="only in a checkout")
def test_no_interval_of_the_kept_boards_leaves_the_range():
    seen = 0
    found = results.read_all([KEPT / "methods", KEPT / "real"])
    for board in boards(r for r in found if r.modality in ("chromatin", "spine")):
        for row in board.rows:
            for (metric, *_), entry in row.estimates.items():
                low, high = lookup.load("metrics", metric).range
                if entry.low is not None:
                    assert low <= entry.low <= entry.high <= high, (row.name, metric, entry)
                    assert low <= entry.within_low <= entry.within_high <= high, (row.name, metric, entry)
                    seen += low > -float("inf")
    assert seen > 1000


def test_an_entry_keeps_both_intervals(scored):
    (board,) = boards([scored(value=100.0), scored(value=110.0, seed=1), scored(value=120.0, seed=2)])
    entry = board.row("ddpm").estimates[KERNEL_DISTANCE]
    assert (entry.within_low, entry.within_high) == (100.0, 120.0)
    assert entry.low < 91 and entry.high > 129


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
