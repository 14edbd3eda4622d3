"""Known answers of what a map of anomaly is worth."""

import math

import numpy as np
import pytest
from mribench_anomaly import metrics
from mribench_anomaly.pixels import (
    anomaly_map,
    average_precision,
    best_dice,
    best_threshold,
    body,
    dice,
    false_area,
)

from mribench.metrics.detection import placements
from mribench.testing import conforms

test_ap = conforms("metrics", "anomaly_ap")
test_dice = conforms("metrics", "anomaly_dice")
test_false_area = conforms("metrics", "anomaly_false_area")


def normal_cdf(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


def test_a_map_that_is_the_lesion_has_a_precision_and_a_dice_of_one():
    own, strange = np.zeros(90), np.ones(10)
    assert average_precision(own, strange) == 1 and best_dice(own, strange) == 1
    assert placements(own, strange).mean() == 1


def test_a_constant_map_has_the_prevalence_as_precision_and_an_area_of_a_half():
    own, strange = np.zeros(90), np.zeros(10)
    assert average_precision(own, strange) == pytest.approx(0.1)
    assert placements(own, strange).mean() == 0.5
    assert best_dice(own, strange) == pytest.approx(2 * 10 / 110)


def test_precision_is_the_mean_over_found_pixels_where_no_values_are_equal():
    """By hand: the lesion's pixels come first, third and fourth of five."""
    own, strange = np.array([0.8, 0.1]), np.array([0.9, 0.7, 0.6])
    assert average_precision(own, strange) == pytest.approx((1 / 1 + 2 / 3 + 3 / 4) / 3)
    assert best_dice(own, strange) == pytest.approx(2 * 3 / (4 + 3))


def test_a_random_map_has_about_the_prevalence():
    rng = np.random.default_rng(0)
    found = [average_precision(rng.random(900), rng.random(100))[0] for _ in range(20)]
    assert np.mean(found) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("amplitude", [0.5, 1.0, 3.0])
def test_a_planted_amplitude_against_the_true_twin_has_a_known_area(amplitude):
    """|Z + a| against |Z'|, both standard normal: P = F(a / sqrt 2)^2 + (1 - F(a / sqrt 2))^2."""
    rng = np.random.default_rng(1)
    image = np.full((1, 200, 200), 128.0)
    lesion = np.zeros((1, 200, 200), bool)
    lesion[:, :50] = True
    sigma = 12.0  # of the difference, in grey levels
    seen = np.rint(image + sigma * rng.standard_normal(image.shape) + amplitude * sigma * lesion)
    twin = np.rint(image).astype(np.uint8)
    found = anomaly_map(seen.clip(0, 255).astype(np.uint8), twin, np.ones_like(lesion), 0)
    half = normal_cdf(amplitude / math.sqrt(2))
    area = placements(found[~lesion][::10], found[lesion][::10]).mean()
    assert area == pytest.approx(half**2 + (1 - half) ** 2, abs=0.025)


def test_dice_and_false_area_of_masks_by_hand():
    truth = np.array([[[1, 1, 0, 0]]])
    flagged = np.array([[[0, 1, 1, 0]]])
    assert dice(flagged, truth) == pytest.approx(0.5) and false_area(flagged, truth) == 0.25
    assert dice(truth, truth) == 1 and dice(0 * truth, 0 * truth) == 1 and false_area(truth, truth) == 0


@pytest.mark.parametrize(("pixels", "shares"), [(300, (0.05, 0.2)), (3000, (0.002, 0.004))])
def test_the_threshold_is_the_one_of_the_highest_mean_dice(pixels, shares):
    """Also where the lesion is a fraction of a hundredth of the body."""
    rng = np.random.default_rng(2)
    masks = [rng.random(pixels) < share for share in shares]
    maps = [rng.random(pixels) + 0.7 * mask for mask in masks]
    threshold = best_threshold(maps, masks)

    def mean_dice(t):
        return np.mean(
            [dice((m >= t)[None, None], mask[None, None])[0] for m, mask in zip(maps, masks, strict=True)]
        )

    everywhere = max(mean_dice(t) for t in np.concatenate(maps))
    assert mean_dice(threshold) == pytest.approx(everywhere, abs=0.01) and everywhere < 1


def test_smoothing_stays_in_the_body_and_keeps_an_even_map():
    inside = np.zeros((1, 64, 64), bool)
    inside[:, 16:48, 16:48] = True
    images = np.full((1, 64, 64), 100, np.uint8)
    found = anomaly_map(images, images // 2, inside, 2.0)
    assert (found[~inside] == 0).all() and found[inside] == pytest.approx(50 / 255)


def test_the_body_has_no_holes():
    ring = np.zeros((1, 16, 16), np.uint8)
    ring[:, 4:12, 4:12] = 200
    ring[:, 6:10, 6:10] = 0
    assert body(ring, np.zeros_like(ring)).sum() == 64


def test_halves_of_the_lesions_are_judged_by_the_same_number():
    for half in ("small", "large", "faint", "strong"):
        assert getattr(metrics, f"ANOMALY_AP_{half.upper()}").compute is average_precision
