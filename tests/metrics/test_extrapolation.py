"""FD at infinite N takes off the bias of FD at N."""

import dataclasses

import numpy as np
import pytest

from mribench.errors import Unavailable
from mribench.features.hc85 import HC85
from mribench.metrics.distribution import frechet
from mribench.metrics.extrapolation import FD_INF, MIN_IMAGES, frechet_infinity

PLAIN = dataclasses.replace(HC85, name="plain", kernel="cubic")


def normal(n, d, shift=0.0, seed=0):
    return shift + np.random.default_rng(seed).standard_normal((n, d))


def test_the_truth_lies_nearer_than_the_biased_value():
    """Two normal distributions a distance of 0.2 apart in each of 20 dimensions: FD is 0.8."""
    g, r = normal(5000, 20, 0.2, seed=1), normal(5000, 20, seed=2)
    found, biased = frechet_infinity(g, r, None, PLAIN), frechet(g, r)
    assert abs(found - 0.8) < abs(biased - 0.8)
    assert found == pytest.approx(0.8, abs=0.06)
    assert found == frechet_infinity(g, r, None, PLAIN)


def test_too_few_images_or_too_many_features_stay_blank():
    with pytest.raises(Unavailable, match=str(MIN_IMAGES)):
        FD_INF.compute(normal(MIN_IMAGES - 1, 3), normal(MIN_IMAGES, 3), None, PLAIN)
    with pytest.raises(Unavailable, match="a fifth"):
        FD_INF.compute(normal(5000, 1000), normal(5000, 1000), None, PLAIN)
