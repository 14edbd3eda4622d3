"""Pairwise similarity of the generated minus that of the real images."""

import numpy as np
import pytest

from mribench.errors import Unavailable
from mribench.metrics import diversity
from mribench.metrics.diversity import DIVERSITY
from mribench.metrics.structure import ms_ssim3


def images(n, seed=0, size=48):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    centre, width = rng.uniform(0.3, 0.7, (n, 2, 1, 1)), rng.uniform(0.05, 0.2, (n, 1, 1))
    return np.exp(-((x - centre[:, 0]) ** 2 + (y - centre[:, 1]) ** 2) / width)


ONE_EACH = [str(i) for i in range(20)]


def test_with_few_images_it_is_the_mean_over_all_pairs():
    g, r = images(12, 1), images(20, 2)

    def similar(part):
        return np.mean([ms_ssim3(part[[i]], part[[j]])[0] for i in range(len(part)) for j in range(i)])

    assert DIVERSITY.compute(g, r, ONE_EACH) == pytest.approx(similar(g) - similar(r), rel=1e-9)


def test_collapse_is_above_zero_and_noise_below():
    r = images(20, 2)
    assert DIVERSITY.compute(np.repeat(r[:1], 30, axis=0), r, ONE_EACH) > 0.2
    noise = np.random.default_rng(0).random((30, 48, 48))
    assert DIVERSITY.compute(noise, r, ONE_EACH) < -0.2
    assert abs(DIVERSITY.compute(images(20, 3), r, ONE_EACH)) < 0.1


def test_slices_of_one_subject_are_no_pair():
    """Twenty subjects of two equal slices are as diverse as twenty subjects of one."""
    g, r = images(12, 1), images(20, 2)
    twice = np.repeat(r, 2, axis=0)
    found = DIVERSITY.compute(g, twice, [name for name in ONE_EACH for _ in range(2)])
    assert found == pytest.approx(DIVERSITY.compute(g, r, ONE_EACH), rel=1e-9)


def test_on_subsets_only_pairs_inside_count():
    g, r = images(12, 1), images(20, 2)
    inside = np.random.default_rng(0).random((4, 12)) < 0.5
    everyone = np.ones((4, 20), bool)
    found = DIVERSITY.on_subsets(g, r, ONE_EACH)(inside, everyone)
    np.testing.assert_allclose(found, [DIVERSITY.compute(g[some], r, ONE_EACH) for some in inside])
    nobody = np.zeros((1, 12), bool)
    assert np.isnan(DIVERSITY.on_subsets(g, r, ONE_EACH)(nobody, everyone[:1])[0])


@pytest.fixture
def no_ssim(monkeypatch):
    """Numbers of pairs that were to be compared; what came of it is forgotten."""
    seen = []

    def compare(images, first, second):
        seen.append(len(first))
        return np.zeros(len(first))

    monkeypatch.setattr(diversity, "ms_ssim3_of_pairs", compare)
    yield seen
    diversity._similar.cache_clear()


def test_a_thousand_pairs_are_drawn_with_a_fixed_seed(no_ssim):
    DIVERSITY.compute(np.zeros((60, 48, 48)), np.zeros((20, 48, 48)), ONE_EACH)
    assert no_ssim == [1000, 190]


def test_one_image_or_one_subject_has_no_pair():
    r = images(20)
    with pytest.raises(Unavailable, match="no pair"):
        DIVERSITY.compute(r[:1], r, ONE_EACH)
    with pytest.raises(Unavailable, match="no pair"):
        DIVERSITY.compute(r, r, ["a"] * 20)


def test_of_many_images_a_thousand_different_pairs_of_different_subjects_are_drawn(monkeypatch, no_ssim):
    monkeypatch.setattr(diversity, "MAX_ENUMERATED", 10)
    (first, second), values = diversity._similar(np.zeros((300, 1, 1)), np.arange(300) // 5, "real")
    assert len(values) == 1000 and (first < second).all() and (first // 5 != second // 5).all()
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == 1000
