"""AUROC of losses: exact on ties, right under the null, and over subjects, not images."""

from pathlib import Path

import numpy as np
import pytest

from mribench.audit import membership
from mribench.spec import Prepared, Split


def made_up(subjects, images, shift=0.0, seed=0, spread=1.0):
    """Outputs and data: losses with a value of the subject and one of the image; members' are lower by ``shift``."""
    rng = np.random.default_rng(seed)
    n = subjects * images
    names = tuple(f"s{i // images}" for i in range(n))
    split = Split(np.zeros((n, 4, 4), np.uint8), names)
    outputs = {}
    for name, lower in (("train", shift), ("test", 0.0)):
        of_subject = spread * np.repeat(rng.standard_normal(subjects), images)
        outputs[f"{name}_rows"] = np.arange(n)
        outputs[f"{name}_loss"] = of_subject + rng.standard_normal((5, n)) - lower
    return outputs, Prepared(Path(), "0", "made up", "phantom", split, split, split)


def test_auroc_by_hand():
    assert membership.auroc(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1
    assert membership.auroc(np.array([3.0, 4.0]), np.array([1.0, 2.0])) == 0
    assert membership.auroc(np.array([1.0, 1.0]), np.array([1.0, 1.0, 1.0])) == 0.5
    assert membership.auroc(np.array([1.0, 3.0]), np.array([2.0, 3.0])) == pytest.approx(2.5 / 4)


def test_auroc_against_counting_pairs():
    rng = np.random.default_rng(0)
    members, others = rng.integers(0, 6, 40), rng.integers(1, 7, 30)
    wins = (members[:, None] < others) + (members[:, None] == others) / 2
    assert membership.auroc(members, others) == pytest.approx(wins.mean())


def test_members_with_a_lower_loss_are_seen():
    found = membership.membership_inference(*made_up(20, 4, shift=2.0))
    assert found["low"] > 0.5 and found["low"] <= found["auroc"] <= found["high"]
    assert found["p"] == 0.001
    assert len(found["by_level"]) == 5 and found["n"] == [80, 80] and found["subjects"] == [20, 20]


def test_the_interval_is_over_subjects():
    """Where subjects differ and nothing else does, an interval over images would be far too narrow."""
    outside = 0
    for seed in range(40):
        found = membership.membership_inference(*made_up(15, 8, seed=seed, spread=3.0))
        outside += not found["low"] <= 0.5 <= found["high"]
    assert outside <= 6  # 5 % of 40 is 2; over images it is 20 and more


def test_p_is_over_subjects_and_as_rare_as_it_says():
    """Many images of few unlike subjects are no evidence, whichever split has more images of each."""
    small = 0
    for seed in range(60):
        outputs, data = made_up(12, 8, seed=seed, spread=3.0)
        for name in ("rows", "loss"):
            outputs[f"train_{name}"] = outputs[f"train_{name}"][..., ::4]
        small += membership.membership_inference(outputs, data)["p"] <= 0.05
    assert small <= 8  # 3 of 60 are expected


def test_blank_with_a_reason():
    _, data = made_up(3, 2)
    assert membership.membership_inference({}, data) == {"auroc": None, "reason": membership.NO_NETWORK}
    one = membership.membership_inference(*made_up(1, 6))
    assert one["low"] is None and one["p"] is None and 0 <= one["auroc"] <= 1
