"""Known answers of lesions: the image itself, what ignores the lesion, a share of its contrast, a planted blob."""

import numpy as np
import pytest

from mribench.metrics import lesions
from mribench.spec.metric import Pairs

SIDE = 64
ROW, COLUMN = np.ogrid[:SIDE, :SIDE]


def disc(row, column, radius):
    return (ROW - row) ** 2 + (COLUMN - column) ** 2 <= radius**2


LESION = disc(24, 20, 3)
TWIN = (0.3 + 0.2 * disc(32, 32, 28) + 0.1 * (COLUMN > 18)) * disc(32, 32, 30)
IMAGE = TWIN + 0.25 * LESION


def measured(metric, answer, of_twin=TWIN, image=IMAGE):
    return metric(Pairs(*(one[None] for one in (answer, of_twin, image, TWIN, LESION))))[0]


def test_the_images_themselves_have_the_whole_lesion_and_no_other():
    assert measured(lesions.contrast_gap, IMAGE) == pytest.approx(0, abs=1e-12)
    assert measured(lesions.contrast_error, IMAGE) == pytest.approx(0, abs=1e-12)
    assert measured(lesions.lesions_found, IMAGE) == 1
    assert measured(lesions.false_lesions, IMAGE) == 0


@pytest.mark.parametrize(
    "always", [TWIN, TWIN[::-1], 0.5 * TWIN, IMAGE], ids=["twin", "other", "dim", "lesion"]
)
def test_an_answer_that_the_lesion_does_not_change_has_nothing_of_it_whatever_it_shows(always):
    assert measured(lesions.contrast_gap, always, always) == pytest.approx(-1)
    assert measured(lesions.contrast_error, always, always) == pytest.approx(1)
    assert measured(lesions.lesions_found, always, always) == 0


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("share", "found"), [(0.49, 0), (0.51, 1), (1.5, 1)])
def test_a_share_of_the_contrast_is_that_share_for_bright_and_dark_lesions(sign, share, found):
    image, answer = TWIN + sign * 0.25 * LESION, TWIN + sign * share * 0.25 * LESION
    assert measured(lesions.contrast_gap, answer, image=image) == pytest.approx(share - 1)
    assert measured(lesions.contrast_error, answer, image=image) == pytest.approx(abs(share - 1))
    assert measured(lesions.lesions_found, answer, image=image) == found


def test_contrast_is_against_the_surroundings_and_a_change_of_all_grey_values_is_none():
    assert measured(lesions.contrast_gap, TWIN + 0.1) == pytest.approx(-1)
    spread = TWIN + 0.25 * disc(24, 20, 8)  # as bright, without an edge
    assert measured(lesions.contrast_gap, spread) == pytest.approx(-1)


@pytest.mark.parametrize("sign", [1, -1])
def test_planted_blobs_are_false_lesions_one_each(sign):
    image, one = TWIN + sign * 0.25 * LESION, TWIN + sign * 0.25 * disc(44, 40, 3)
    assert measured(lesions.false_lesions, image, one, image) == 1
    two = one + sign * 0.2 * disc(20, 44, 3)
    assert measured(lesions.false_lesions, image, two, image) == 2


def test_a_blob_that_is_faint_or_of_the_other_sign_or_in_air_is_no_false_lesion():
    for strength, at in ((0.12, (44, 40, 3)), (-0.25, (44, 40, 3)), (0.25, (4, 4, 3))):
        assert measured(lesions.false_lesions, IMAGE, TWIN + strength * disc(*at)) == 0


def test_psnr_is_that_of_the_lesion_and_its_ring():
    assert measured(lesions.psnr_lesion, IMAGE + 0.1) == pytest.approx(20)
    assert measured(lesions.psnr_lesion, IMAGE + 0.1 * disc(44, 40, 3)) == 100


def test_noise_of_a_scan_is_no_false_lesion():
    noise = 0.03 * np.random.default_rng(0).standard_normal((20, SIDE, SIDE))
    image, twin, mask = (np.broadcast_to(part, noise.shape) for part in (IMAGE, TWIN, LESION))
    assert lesions.false_lesions(Pairs(image, twin + noise, image, twin, mask)).sum() == 0


def test_what_is_small_or_faint_or_absent_is_not_asked_about():
    masks = np.stack([LESION, LESION, disc(24, 20, 1), np.zeros_like(LESION)])
    strengths = np.array([0.25, 0.05, 0.25, 0.25])[:, None, None]
    twins = np.broadcast_to(TWIN, masks.shape)
    assert lesions.is_visible(twins + strengths * masks, twins, masks).tolist() == [True, False, False, False]
