"""`mribench speed --drift`: what bf16 changes is measured over pairs, beside what chance changes."""

import numpy as np
import pytest

from mribench import files
from mribench.features.hc85 import HC85
from mribench.metrics.distribution import kernel_distance
from mribench.metrics.kernels import median_distance, rbf, standardise
from mribench.plugins import lookup
from mribench.runner import runspec
from mribench.runner.run import run_suite
from mribench.speed import drift

RNG = np.random.default_rng(0)
TRAIN = RNG.normal(size=(40, 3))


def test_a_set_has_no_distance_to_itself():
    """Where the unpaired estimate, which meets each image in the other set, is below zero."""
    a = RNG.normal(size=(20, 3))
    assert drift.paired_kernel_distance(a, a, TRAIN, HC85) == (0.0, 0.0)
    assert kernel_distance(a, a, TRAIN, HC85) < -0.01


def test_the_paired_distance_is_its_definition():
    a, b = RNG.normal(size=(2, 7, 3))
    x, y, scale = (standardise(part, TRAIN) for part in (a, b, TRAIN))
    width = median_distance(scale)

    def k(p, q):
        return rbf(p[None], q[None], width)[0, 0]

    pairs = [(i, j) for i in range(7) for j in range(7) if i != j]
    terms = [k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i]) for i, j in pairs]
    value, error = drift.paired_kernel_distance(a, b, TRAIN, HC85)
    assert value == pytest.approx(np.mean(terms)) and error > 0


def test_a_shift_between_pairs_is_seen_through_their_common_part():
    a = RNG.normal(size=(200, 3))
    value, error = drift.paired_kernel_distance(a, a + 0.3, TRAIN, HC85)
    assert value - 1.96 * error > 0
    assert value == pytest.approx(kernel_distance(a, RNG.normal(size=(200, 3)) + 0.3, TRAIN, HC85), abs=0.03)


def test_halves_of_one_set_differ_by_chance():
    halves = drift._between_halves(RNG.normal(size=(60, 3)), TRAIN, HC85)
    assert len(set(halves)) == drift.N_SPLITS and abs(halves.mean()) < 0.01 < np.abs(halves).max()


def test_the_drift_of_a_checkpoint_is_measured(tmp_path, mribench, refused):
    organ = lookup.names("modalities")[0]
    asked = {"modalities": organ, "profile": "smoke", "train_steps": 1, "samplers": "ddim-2"}
    asked |= {"controls": [], "tasks": "generation"}
    run_suite(runspec.make(**asked, out=str(tmp_path / "run")))
    (folder,) = (tmp_path / "run" / "train").iterdir()
    ended = mribench("speed", "--drift", folder, "--out", tmp_path)
    assert ended.code == 0 and f"| {folder.name} | ddim-2 | 24 |" in ended.out
    (run,) = files.read_json(tmp_path / "drift.json")["runs"]
    assert (tmp_path / "drift.md").read_text() in ended.out
    assert 0 < run["rms_grey"] < 5 and run["kd_low"] <= run["kd"] <= run["kd_high"]
    assert run["samples_low"] < run["samples_high"] and abs(run["kd"]) < run["samples_high"]
    # the same noise gives nearly the same score, other noise does not
    scores = run["kd_validation"]
    assert abs(scores["bf16"] - scores["fp32"]) < abs(scores["other"] - scores["fp32"])
    assert "no results" in refused("speed", "--drift", tmp_path, "--out", tmp_path)
