"""Precision, recall, density, coverage: against torch-fidelity, against loops, and degenerate sets."""

import dataclasses

import numpy as np
import pytest

from mribench.errors import Unavailable
from mribench.features.hc85 import HC85
from mribench.metrics import neighbours
from mribench.metrics.neighbours import COVERAGE, DENSITY, PRECISION, RECALL, K

PLAIN = dataclasses.replace(HC85, name="plain", kernel="cubic")
FOUR = (PRECISION, RECALL, DENSITY, COVERAGE)


def normal(n, d=6, shift=0.0, scale=1.0, seed=0):
    return shift + scale * np.random.default_rng(seed).standard_normal((n, d))


def by_loops(g, r):
    """The definitions of Kynkäänniemi et al. and Naeem et al., one distance at a time."""

    def radius(part):
        return [sorted(np.linalg.norm(a - b) for b in part)[K] for a in part]

    real, made = radius(r), radius(g)
    inside = np.array([[np.linalg.norm(a - b) <= rho for b in g] for a, rho in zip(r, real, strict=True)])
    covered = np.array([[np.linalg.norm(a - b) <= rho for b, rho in zip(g, made, strict=True)] for a in r])
    return {
        "precision": inside.any(0).mean(),
        "recall": covered.any(1).mean(),
        "density": inside.sum() / (K * len(g)),
        "coverage": inside.any(1).mean(),
    }


@pytest.mark.parametrize("metric", FOUR, ids=lambda metric: metric.name)
def test_each_is_its_definition(metric):
    g, r = normal(40, shift=0.5, scale=0.8, seed=1), normal(40, seed=2)
    assert metric.compute(g, r, None, PLAIN) == pytest.approx(by_loops(g, r)[metric.name], rel=1e-12)


def test_precision_and_recall_are_torch_fidelitys():
    prc = pytest.importorskip("torch_fidelity.metric_prc", exc_type=ImportError)
    torch = pytest.importorskip("torch")
    g, r = normal(80, shift=0.5, scale=0.8, seed=1), normal(80, seed=2)
    theirs = prc.prc_features_to_metric(
        torch.from_numpy(g), torch.from_numpy(r), prc_neighborhood=K, prc_batch_size=100, verbose=False
    )
    assert PRECISION.compute(g, r, None, PLAIN) == pytest.approx(theirs["precision"])
    assert RECALL.compute(g, r, None, PLAIN) == pytest.approx(theirs["recall"])


def test_lost_modes_and_strangers_are_told_apart():
    """Half of the modes: all is precise, half is covered. As much noise again: half is precise, all is covered."""
    modes = np.concatenate([normal(100, shift=0, seed=1), normal(100, shift=30, seed=2)])
    collapsed, strangers = normal(200, shift=0, seed=3), normal(200, shift=-90, seed=4)
    assert PRECISION.compute(collapsed, modes, None, PLAIN) > 0.9
    assert COVERAGE.compute(collapsed, modes, None, PLAIN) == pytest.approx(0.5, abs=0.02)
    assert {m.compute(strangers, modes, None, PLAIN) for m in (PRECISION, RECALL, DENSITY, COVERAGE)} == {0.0}


@pytest.mark.parametrize("metric", FOUR, ids=lambda metric: metric.name)
def test_degenerate_sets_give_numbers(metric):
    a, flat = normal(30), np.ones((30, 6))
    assert metric.compute(a, a, None, PLAIN) == pytest.approx(1 if metric is not DENSITY else 1.2, abs=0.01)
    assert np.isfinite(metric.compute(flat, flat, None, PLAIN))
    assert np.isfinite(metric.compute(a, flat, flat, HC85))
    with pytest.raises(Unavailable, match="at least 6"):
        metric.compute(a[:5], a, None, PLAIN)


def test_a_subset_that_is_too_small_is_nan_and_a_scattered_one_is_exact():
    g, r = normal(300, seed=1), normal(300, seed=2)
    statistic = COVERAGE.on_subsets(g, r, None, PLAIN)
    few = np.arange(300) < 5
    assert np.isnan(statistic(few[None], np.ones((1, 300), bool))[0])
    # seven images far from one another: no five of them among anyone's 64 nearest
    rare = np.zeros(300, bool)
    rare[np.argsort(r[:, 0])[::45]] = True
    assert rare.sum() == 7
    expected = COVERAGE.compute(g[:7], r[rare], None, PLAIN)
    assert statistic((np.arange(300) < 7)[None], rare[None])[0] == expected


def test_both_sides_hold_as_many_at_most_2048(monkeypatch):
    assert neighbours.MAX_IMAGES == 2048
    monkeypatch.setattr(neighbours, "MAX_IMAGES", 50)
    g, r = normal(400, seed=1), normal(70, seed=2)
    value = COVERAGE.compute(g, r, None, PLAIN)
    assert value * 50 == pytest.approx(round(value * 50))
    assert value == COVERAGE.compute(g, r, None, PLAIN)
