"""Known answers of lesions: the image itself, its healthy twin, a share of the contrast, a planted blob."""

import numpy as np
import pytest

from mribench.metrics import lesions

SIDE = 64
ROW, COLUMN = np.ogrid[:SIDE, :SIDE]


def disc(row, column, radius):
    return (ROW - row) ** 2 + (COLUMN - column) ** 2 <= radius**2


LESION = disc(24, 20, 3)
TWIN = (0.3 + 0.2 * disc(32, 32, 28) + 0.1 * (COLUMN > 18)) * disc(32, 32, 30)
IMAGE = TWIN + 0.25 * LESION


def measured(metric, answer, image=IMAGE):
    return metric(answer[None], image[None], TWIN[None], LESION[None])[0]


def test_the_image_itself_has_the_whole_lesion_and_no_other():
    assert measured(lesions.contrast_gap, IMAGE) == pytest.approx(0, abs=1e-12)
    assert measured(lesions.contrast_error, IMAGE) == pytest.approx(0, abs=1e-12)
    assert measured(lesions.lesions_found, IMAGE) == 1
    assert measured(lesions.false_lesions, IMAGE) == 0


def test_the_healthy_twin_has_nothing_of_the_lesion_though_the_anatomy_has_a_step_there():
    assert measured(lesions.contrast_gap, TWIN) == pytest.approx(-1)
    assert measured(lesions.contrast_error, TWIN) == pytest.approx(1)
    assert measured(lesions.lesions_found, TWIN) == 0
    assert measured(lesions.false_lesions, TWIN) == 0


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("share", "found"), [(0.49, 0), (0.51, 1), (1.5, 1)])
def test_a_share_of_the_contrast_is_that_share_for_bright_and_dark_lesions(sign, share, found):
    image, answer = TWIN + sign * 0.25 * LESION, TWIN + sign * share * 0.25 * LESION
    assert measured(lesions.contrast_gap, answer, image) == pytest.approx(share - 1)
    assert measured(lesions.contrast_error, answer, image) == pytest.approx(abs(share - 1))
    assert measured(lesions.lesions_found, answer, image) == found


def test_contrast_is_against_the_surroundings_and_a_change_of_all_grey_values_is_none():
    assert measured(lesions.contrast_gap, TWIN + 0.1) == pytest.approx(-1)
    spread = TWIN + 0.25 * disc(24, 20, 8)  # as bright, without an edge
    assert measured(lesions.contrast_gap, spread) == pytest.approx(-1)


@pytest.mark.parametrize("sign", [1, -1])
def test_planted_blobs_are_false_lesions_one_each(sign):
    one = IMAGE + sign * 0.25 * disc(44, 40, 3)
    assert measured(lesions.false_lesions, one) == 1
    assert measured(lesions.false_lesions, one + sign * 0.2 * disc(20, 44, 3)) == 2
    assert measured(lesions.contrast_gap, one) == pytest.approx(0)


def test_a_blob_that_is_faint_or_lies_in_the_lesion_or_in_air_is_no_false_lesion():
    assert measured(lesions.false_lesions, IMAGE + 0.12 * disc(44, 40, 3)) == 0
    assert measured(lesions.false_lesions, IMAGE + 0.25 * disc(25, 21, 3)) == 0
    assert measured(lesions.false_lesions, IMAGE + 0.25 * disc(3, 3, 2)) == 0


def test_psnr_is_that_of_the_lesion_and_its_ring():
    assert measured(lesions.psnr_lesion, IMAGE + 0.1) == pytest.approx(20)
    assert measured(lesions.psnr_lesion, IMAGE + 0.1 * disc(44, 40, 3)) == 100


def test_noise_of_a_scan_is_no_false_lesion():
    noise = 0.03 * np.random.default_rng(0).standard_normal((20, SIDE, SIDE))
    same = [np.broadcast_to(part, noise.shape) for part in (IMAGE, TWIN, LESION)]
    assert lesions.false_lesions(IMAGE + noise, *same).sum() == 0


def test_what_is_small_or_faint_or_absent_is_not_asked_about():
    masks = np.stack([LESION, LESION, disc(24, 20, 1), np.zeros_like(LESION)])
    strengths = np.array([0.25, 0.05, 0.25, 0.25])[:, None, None]
    twins = np.broadcast_to(TWIN, masks.shape)
    assert lesions.is_visible(twins + strengths * masks, twins, masks).tolist() == [True, False, False, False]
