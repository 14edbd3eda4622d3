"""``mribench coverage``: worlds whose truth is right, counts that can be wrong, a table that says what is outside."""

import json

import numpy as np
import pytest

from mribench.calibration import coverage
from mribench.calibration.worlds import KernelWorld, _random_effects, paired_worlds
from mribench.features.hc85 import HC85
from mribench.metrics.distribution import kernel_distance

D = 4
TRAIN = np.random.default_rng(9).standard_normal((400, D))


def world(shift=0.5, spread=0.0):
    return KernelWorld("made up", 0.5 * np.eye(D), 0.5 * np.eye(D), np.full(D, shift), TRAIN, spread)


def test_the_known_distance_is_that_of_many_images():
    """KD of 100 times 200 images a side, features standardised by the training images as the metric does it."""
    made, rng, scale = world(1.5), np.random.default_rng(0), TRAIN.std(0)
    draws = rng.standard_normal((100, 2, 200, D))
    values = [1e3 * kernel_distance((a + made.shift) * scale, b * scale, TRAIN, HC85) for a, b in draws]
    assert np.mean(values) == pytest.approx(made.truth(), abs=3 * np.std(values) / 10)
    assert np.std(values) / 10 < 4 and made.truth() > 300
    assert world(shift=0.0).truth() == 0 and made.truth(-1.0) == 0


def test_the_mean_over_trainings_is_above_that_of_the_mean_training():
    made = world(spread=0.2)
    draws = [made.truth(0.2 * u) for u in np.random.default_rng(0).standard_normal(2000)]
    assert made.mean_truth == pytest.approx(np.mean(draws), rel=0.02) and made.mean_truth > made.truth()


def test_the_effects_of_subjects_are_found_again():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(2000), 5)
    z = rng.standard_normal((2000, 2))[subjects] * [1.0, 0.1] + rng.standard_normal((10_000, 2)) * [0.5, 1.0]
    between, within = _random_effects(z, subjects)
    np.testing.assert_allclose(np.diag(between), [1.0, 0.01], atol=0.08)
    np.testing.assert_allclose(np.diag(within), [0.25, 1.0], atol=0.05)
    assert np.linalg.eigvalsh(between).min() > -1e-12


def test_a_wrong_truth_is_not_covered(monkeypatch):
    monkeypatch.setattr(coverage, "SUBJECTS", (10,))
    (normal, _) = paired_worlds([], [])
    (quiet, lucky) = coverage.paired([normal], 60, 0)
    assert min(quiet["held"].values()) >= 50 and quiet["worlds"] == 60
    # a training moves as much as ten subjects do: alone a row knows nothing of it
    assert lucky["held"]["1 alone"] < lucky["held"]["1"]
    object.__setattr__(normal, "truth", 3.0)
    wrong, _ = coverage.paired([normal], 20, 0)
    assert max(wrong["held"].values()) == 0


def test_the_command_writes_record_and_table(tmp_path, mribench, monkeypatch):
    monkeypatch.setattr(coverage, "SUBJECTS", (5, 10))
    words = "coverage", "--out", tmp_path, "--worlds", 4, "--kd-worlds", 0, "--modalities", "heart"
    assert mribench(*words).code == 0
    record = json.loads((tmp_path / "coverage.json").read_text())
    assert len(record["records"]) == 2 * 2 * 2 and record["command"].startswith("mribench coverage --out ")
    page = (tmp_path / "coverage.md").read_text()
    assert "| normal, intra-subject correlation 0.6 | 1 | 1, no other row |" in page and "n = 10" in page
    again = tmp_path / "again"
    mribench(*words[:2], again, *words[3:])
    assert json.loads((again / "coverage.json").read_text())["records"] == record["records"]


def test_of_six_boards_a_row_of_one_training_borrows_from_all(monkeypatch):
    """One of three trainings that happen to agree is no board to borrow from alone: t of two degrees of freedom."""
    monkeypatch.setattr(coverage, "SUBJECTS", (30,))
    made = world(1.0, spread=0.1)
    (record,) = coverage.kernel([made], 60, 1)
    assert record["held"].keys() == set(coverage.TITLES) and record["held"]["1 of six"] >= 53
    assert record["held"]["1 alone"] < record["held"]["1 of six"]
    (at_zero,) = coverage.kernel([world(0.0)], 2, 0)
    assert "1 of six" not in at_zero["held"]
    assert "| made up | 1, of six boards |" in coverage.markdown([record], "mribench coverage")


def test_the_table_of_kd_says_bias_and_what_is_outside(monkeypatch):
    monkeypatch.setattr(coverage, "SUBJECTS", (5,))
    (record,) = coverage.kernel([world()], 3, 0)
    assert record["worlds"] == 3 and record["bias_v1"] > record["bias"]
    record |= {"worlds": 200, "held": {"3": 190, "1": 200, "1 alone": 120}}
    text = coverage.markdown([record], "mribench coverage")
    assert "- made up, trainings: 1, n = 5: 100.0\n" in text and "trainings: 3, n = 5" not in text
    assert "| made up | 3 | 95.0 |" in text and f"{record['bias']:+.1f} ± " in text
