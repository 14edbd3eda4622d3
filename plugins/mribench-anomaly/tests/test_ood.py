"""Known answers of the strangeness of an image, and the task held to the kit."""

import math
from pathlib import Path

import numpy as np
import pytest
from mribench_anomaly import metrics, ood
from mribench_anomaly.strangeness import by_components, by_grey, by_losses, deviations
from mribench_anomaly.strangers import EACH, ORGANS, strangers
from mribench_brain import MODALITY

from mribench.metrics.detection import AUROC, placements
from mribench.spec import Prepared, Split
from mribench.testing import conforms

test_ood = conforms("tasks", "ood")
test_auroc = conforms("metrics", "ood_auroc")


def normal_cdf(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


def test_the_area_between_two_normal_distributions_is_known():
    rng = np.random.default_rng(0)
    own, strange = rng.standard_normal(2000), 1.0 + rng.standard_normal(2000)
    area = placements(own, strange).mean()
    assert area == pytest.approx(normal_cdf(1 / math.sqrt(2)), abs=0.02)
    assert placements(own, own).mean() == pytest.approx(0.5)
    assert AUROC.compute(np.zeros(3), np.ones(4)).tolist() == [1, 1, 1]


def test_smooth_strangers_are_told_by_losses_that_are_too_small():
    """Lower losses than one's own: by large losses they pass for more usual than anything."""
    rng = np.random.default_rng(0)
    usual, own = np.exp(rng.standard_normal((2, 5, 200)))
    smooth = np.exp(rng.standard_normal((5, 200)) - 4)
    unusual, large = by_losses(np.concatenate([own, smooth], axis=1), usual)
    assert placements(unusual[:200], unusual[200:]).mean() > 0.99
    assert placements(large[:200], large[200:]).mean() < 0.01


def test_deviations_are_in_standard_deviations_of_the_usual():
    usual = np.array([[1.0, 3.0], [10.0, 30.0]])
    assert deviations(np.array([[2 + math.sqrt(2)], [20.0]]), usual).tolist() == [[pytest.approx(1)], [0]]


def test_components_tell_what_is_outside_the_plane_of_the_training_images():
    rng = np.random.default_rng(0)
    plane = rng.standard_normal((4, 64))

    def drawn(n, outside):
        flat = rng.standard_normal((n, 4)) @ plane * 10 + outside * rng.standard_normal((n, 64))
        return np.clip(128 + flat, 0, 255).astype(np.uint8).reshape(n, 8, 8)

    train, usual, own, strange = drawn(100, 1), drawn(50, 1), drawn(50, 1), drawn(50, 30)
    numbers = by_components(np.concatenate([own, strange]), usual, train)
    assert placements(numbers[:50], numbers[50:]).mean() > 0.95
    grey = by_grey(np.concatenate([own, own // 4]), usual)
    assert placements(grey[:50], grey[50:]).mean() > 0.95


def test_strangers_are_the_five_other_organs_and_always_the_same():
    images, organs = strangers("heart", 16)
    assert images.shape == (5 * EACH, 16, 16) and images.dtype == np.uint8
    assert sorted({ORGANS[i] for i in organs}) == ["brain", "chromatin", "kidney", "lung", "spine"]
    again, _ = strangers("heart", 16)
    assert (again == images).all()


class Network:
    """Losses as of a network that knows smooth images of its organ: the variance of pixels, and luck."""

    def losses(self, images, alpha_bar, seed):
        rng = np.random.default_rng(seed)
        return images.var((1, 2)) * np.exp(0.05 * rng.standard_normal(len(images))) + 1e-6


@pytest.fixture(scope="module")
def data():
    phantom = MODALITY.phantom

    def part(first, n):
        images = [phantom(0, first + i, 2, 16).image for i in range(n)]
        return Split(
            np.rint(np.stack(images) * 255).astype(np.uint8), tuple(f"s{first + i}" for i in range(n))
        )

    return Prepared(
        Path(), "0" * 64, "phantom", "phantom", part(0, 40), part(40, 10), part(50, 12), modality="brain"
    )


def scored(outputs, data):
    named = {name: getattr(metrics, name.upper()) for name in ood.OOD.metrics}
    return {s.metric: s for s in ood.score(outputs, data, None, named, None, 0)}


def test_every_area_has_an_interval_over_subjects_and_the_least_is_not_above_the_mean(data):
    outputs = ood.produce(Network(), data, None, 0)
    found = scored(outputs, data)
    assert list(found) == list(ood.OOD.metrics)
    for one in found.values():
        assert one.low <= one.value <= one.high and one.subjects == 12 and len(one.per_subject) == 12
    assert found["ood_auroc_least"].value <= found["ood_auroc"].value
    assert ood.draw(outputs, data, None, None, "brain")["strangers"].dtype == np.uint8


def test_of_real_images_it_says_why_nothing_is_told(data):
    from dataclasses import replace

    real = replace(data, kind="real")
    assert ood.produce(Network(), real, None, 0) == {}
    found = scored({}, real)
    assert all(one.value is None and "texture" in one.reason for one in found.values())
