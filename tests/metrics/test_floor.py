"""Real images in a model's place: near zero for a kernel distance, and blank with a reason where there are too few."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mribench.features import Extractor
from mribench.features.hc85 import HC85
from mribench.metrics.floor import HALVINGS, noise_floor
from mribench.plugins import lookup
from mribench.spec import Prepared, Split

KD = lookup.load("metrics", "kd")
# the mean grey levels of three bands: cheap features that the images below decide alone
SPACE = replace(
    HC85, name="bands", dim=3, load=lambda: lambda x: x.reshape(len(x), 3, -1).mean(2).astype(float)
)
EXTRACT = Extractor({"bands": SPACE})


def split(name, subjects, seed, images=4, shift=0):
    rng = np.random.default_rng(seed)
    level = rng.uniform(60, 160, (subjects, 1, 3)) + rng.normal(0, 10, (subjects, images, 3)) + shift
    made = np.repeat(level.reshape(-1, 3, 1), 12, axis=2).reshape(-1, 6, 6)
    ids = tuple(f"{name}{i // images}" for i in range(subjects * images))
    return Split(np.clip(made, 0, 255).astype(np.uint8), ids)


def prepared(train=60, test=30, shift=0):
    parts = split("a", train, 0), split("b", 4, 1), split("c", test, 2, shift=shift)
    return Prepared(Path(), "0" * 64, "made up", "phantom", *parts)


def test_real_images_are_near_zero_and_inside_their_band():
    found = noise_floor(KD, "bands", prepared(), 200, EXTRACT)
    assert (found["n"], found["n_reference"], found["n_half"], found["splits"]) == (200, 120, 60, HALVINGS)
    assert found["train_low"] < found["train_test"] < found["train_high"] and abs(found["train_test"]) < 60
    assert found["half_low"] < found["half_mean"] < found["half_high"] and abs(found["half_mean"]) < 100
    assert len(found["subsamples"].split()) == 200
    assert found == noise_floor(KD, "bands", prepared(), 200, Extractor({"bands": SPACE}))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_halves_of_few_subjects_are_at_zero_on_average():
    """Twelve sets of 8 test subjects; counting pairs of images of one subject adds much more."""
    halves = [noise_floor(KD, "bands", anew(seed), 50, EXTRACT)["half_mean"] for seed in range(12)]
    assert abs(np.mean(halves)) < 25


def anew(seed):
    parts = split("a", 30, 3 * seed), split("b", 4, 3 * seed + 1), split("c", 8, 3 * seed + 2)
    return Prepared(Path(), "0" * 64, "made up", "phantom", *parts)


def test_test_subjects_of_another_kind_raise_the_ceiling_alone():
    found, other = (noise_floor(KD, "bands", prepared(shift=s), 200, EXTRACT) for s in (0, 40))
    assert other["train_low"] > found["train_high"] and other["train_test"] > 200
    assert other["half_mean"] == pytest.approx(found["half_mean"], abs=50)


def test_of_many_training_images_as_many_are_taken_as_a_model_gives():
    assert noise_floor(KD, "bands", prepared(), 50, EXTRACT)["n"] == 50
    assert noise_floor(KD, "bands", prepared(), 5000, EXTRACT)["n"] == 240


def test_too_few_to_halve_or_to_score_is_said():
    found = noise_floor(KD, "bands", prepared(test=3), 200, EXTRACT)
    assert found["train_test"] is not None and found["train_low"] is None and found["half_mean"] is None
    assert "3 test subjects are too few to halve" in found["reason"] and found["subsamples"] == ""
    fd = lookup.load("metrics", "fd")
    wide = replace(SPACE, dim=500)
    found = noise_floor(fd, "bands", prepared(), 200, Extractor({"bands": wide}))
    assert found["train_test"] is None and "too few" in found["reason"]
