"""Repeats count once, copies of different subjects do not."""

import numpy as np
from test_match import smooth

from mribench.audit.repeats import distinct
from mribench.spec import Split

TRAIN = Split(smooth(60, 64), tuple(f"s{i // 2}" for i in range(60)))


def test_a_few_images_again_and_again_are_as_many_as_they_are():
    rng = np.random.default_rng(0)
    which = rng.permutation(np.repeat(np.arange(4), 8))
    modes = smooth(4, 64, seed=1)[which]
    noisy = np.clip(modes + rng.normal(0, 10, modes.shape), 0, 255).astype(np.uint8)
    for images in (modes, noisy):
        once = distinct(images, TRAIN)
        assert sorted(which[once]) == [0, 1, 2, 3] and once[0] == 0


def test_images_of_different_subjects_are_all_counted():
    """Those of people nobody saw, and copies of the training subjects."""
    assert len(distinct(smooth(30, 64, seed=2), TRAIN)) == 30
    assert len(distinct(TRAIN.images[::2], TRAIN)) == 30


def test_one_image_is_one():
    assert list(distinct(TRAIN.images[:1], TRAIN)) == [0]
