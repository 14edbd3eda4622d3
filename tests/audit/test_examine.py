"""Smooth generated images are held against smooth real ones, sharp ones are not."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from test_match import smooth

from mribench.audit import examine
from mribench.audit.match import Neighbours
from mribench.spec import Split


def near(ratios):
    """Neighbours whose three ratios are all these."""
    ratios = np.asarray(ratios, np.float64)
    r1 = 1 - ratios**2 / 2  # with d2 of 1
    zeros = np.zeros(len(ratios), int)
    return Neighbours(
        zeros, r1, np.full(len(ratios), 0.5), zeros, np.zeros((len(ratios), 2), int), ratios, ratios
    )


@pytest.fixture
def real():
    rng = np.random.default_rng(0)
    split = Split(smooth(4, 64), tuple("abcd"))
    sharp, blurred = near(rng.normal(0.95, 0.01, 100)), near(rng.normal(0.95, 0.1, 100))
    return examine.Reference(split, tuple(f"s{i}" for i in range(100)), sharp, blurred, 0.3, 100)


def test_only_smooth_images_are_held_against_blurred_real_ones(real):
    made, once = near([0.85] * 20 + [0.95] * 80), np.arange(100)
    found = [examine._copies(made, real, once, fine)["p"] for fine in (0.3, 0.25, 0.15)]
    assert found[0] == found[1] < 1e-3 < 0.05 < found[2]


def test_a_blurred_threshold_lets_nobody_pass_who_copies(real):
    """The count of exact copies is rare among blurred images too."""
    assert examine._copies(near([0.05] * 20 + [0.95] * 80), real, np.arange(100), 0.1)["p"] < 1e-3


def test_blur_takes_sharpness_and_contrast_does_not():
    images = np.random.default_rng(0).integers(60, 190, (6, 64, 64)).astype(np.uint8)
    blurred = gaussian_filter(images.astype(float), (0, 1, 1))
    assert examine.sharpness(blurred) < examine.SMOOTH * examine.sharpness(images)
    assert examine.sharpness(images * 0.5 + 20) == pytest.approx(examine.sharpness(images), rel=1e-4)
    assert examine.sharpness(np.zeros((2, 64, 64), np.uint8)) == 0
