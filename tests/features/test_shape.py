"""shape156-v1: what each number is, and what moves it."""

import numpy as np
import pytest

from mribench.errors import InputError
from mribench.features.gist import EPSILON
from mribench.features.hc85 import AIR
from mribench.features.shape import CELLS, DIM, N_MAPS, N_SCALES, SHAPE, extract

SPOT, DARK, RIDGE, VALLEY, SADDLE = range(N_MAPS)
QUARTERS = 2  # the scale with four numbers more a map


def local_shape(images):
    """(N, scale, map, strongest | strong | mean), as before the logarithm."""
    numbers = np.exp(extract(images)[:, : N_MAPS * (3 * N_SCALES + 4)]) - EPSILON
    out, at = np.empty((len(images), N_SCALES, N_MAPS, 3)), 0
    for scale in range(N_SCALES):
        for kind in range(N_MAPS):
            out[:, scale, kind] = numbers[:, at : at + 3]
            at += 7 if scale == QUARTERS else 3
    return out


def flatness(images):
    """(N, window, quantile): standard deviations."""
    numbers = np.exp(extract(images)[:, -(CELLS**2) - 12 : -(CELLS**2)]) - EPSILON
    return numbers.reshape(len(images), 3, 4)


def grid(size=64):
    return np.mgrid[:size, :size] - (size - 1) / 2


def test_the_number_of_numbers():
    features = extract(np.random.default_rng(0).random((3, 64, 64)))
    assert features.shape == (3, DIM) == (3, 156) and features.dtype == np.float64
    assert SHAPE.dim == DIM and SHAPE.identity() == SHAPE.name == "shape156-v1"


def test_each_form_is_found_for_what_it_is():
    y, x = grid()
    bump = 0.5 + 0.3 * np.exp(-(x**2 + y**2) / 18)
    line = 0.5 + 0.3 * np.exp(-(x**2) / 18)
    spot, hole, ridge, valley = local_shape(np.stack([bump, 1 - bump, line, 1 - line]))[:, 2, :, 0]
    assert spot[SPOT] > 0.9 * spot[RIDGE] and spot[SPOT] > 5 * spot[DARK]
    assert hole[DARK] > 0.9 * hole[VALLEY] and hole[DARK] > 5 * hole[SPOT]
    assert ridge[RIDGE] > 20 * ridge[SPOT] and valley[VALLEY] > 20 * valley[DARK]
    # the border, which repeats outwards, is no part of a saddle
    saddle = local_shape(0.5 + 0.0004 * (x**2 - y**2)[None])[0, 2, :, 2]
    assert saddle[SADDLE] > 5 * max(saddle[SPOT], saddle[DARK])


def test_a_bowl_has_the_curvature_of_its_equation():
    y, x = grid()
    scale = np.geomspace(1, 4.2, N_SCALES)
    bowl = 0.8 - 0.0002 * (x**2 + y**2)  # both eigenvalues are -0.0004 per pixel²
    np.testing.assert_allclose(local_shape(bowl[None])[0, :, SPOT, 1], 0.0004 * scale**2, rtol=0.02)


def test_one_spot_is_an_extreme_that_means_do_not_see():
    y, x = grid()
    rng = np.random.default_rng(0)
    tissue = np.stack(
        [0.4 + 0.1 * np.sin(x / 5 + a) * np.sin(y / 5 + b) for a, b in rng.uniform(0, 6, (8, 2))]
    )
    struck = tissue + 0.4 * np.exp(-((x - 10) ** 2 + (y + 5) ** 2) / 12)
    before, after = (local_shape(images)[:, 2, SPOT].mean(0) for images in (tissue, struck))
    assert after[0] > 3 * before[0] and after[2] < 1.2 * before[2]


def test_a_lost_patch_is_the_flattest_window():
    images = 0.5 + 0.1 * np.random.default_rng(0).standard_normal((4, 64, 64))
    lost = images.copy()
    lost[:, 20:34, 30:44] = 0.5
    np.testing.assert_allclose(flatness(images)[:, :, 2], 0.1, rtol=0.25)
    assert flatness(lost)[:, :, 0].max() < 1e-3  # the smallest, of all three sizes
    np.testing.assert_allclose(flatness(lost)[:, 1:, 2:], flatness(images)[:, 1:, 2:], rtol=0.15)


def test_windows_with_air_do_not_count():
    image = np.zeros((1, 64, 64))
    image[:, 10:54, 10:54] = 0.5 + 0.1 * np.random.default_rng(0).standard_normal((44, 44))
    assert flatness(image)[0, 1:].min() > 0.05
    nowhere = np.zeros((1, 64, 64))
    nowhere[:, ::4] = 0.5
    np.testing.assert_allclose(flatness(nowhere), nowhere.std(), rtol=1e-5)


@pytest.mark.parametrize("size", [64, 60])
def test_cells_are_means_also_where_a_side_cannot_be_divided(size):
    image = np.full((1, size, size), AIR)
    image[:, : size // 2, size // 2 :] += 0.4
    cells = extract(image)[0, -(CELLS**2) :].reshape(CELLS, CELLS)
    np.testing.assert_allclose(cells[:4, 4:], 0.4, rtol=1e-5)
    np.testing.assert_allclose(cells[4:], 0, atol=1e-6)
    assert cells.mean() == pytest.approx((image - AIR).mean(), rel=1e-5)


def test_local_shape_and_flatness_do_not_change_in_a_mirror():
    images = np.random.default_rng(0).random((3, 64, 64))
    for turned in (images[:, ::-1], images[:, :, ::-1], images.transpose(0, 2, 1)):
        np.testing.assert_allclose(local_shape(turned), local_shape(images), rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(flatness(turned), flatness(images), rtol=1e-3)


def test_what_lies_in_air_does_not_matter():
    rng = np.random.default_rng(0)
    image = np.zeros((1, 64, 64))
    image[:, 20:40, 20:40] = 0.6
    air = image.copy()
    air[image == 0] = rng.uniform(0, AIR * 0.999, (image == 0).sum())
    np.testing.assert_allclose(extract(air), extract(image), atol=1e-6)


@pytest.mark.parametrize("shape", [(16, 16), (18, 31), (128, 128)])
def test_any_side_from_16_flat_images_too(shape):
    rng = np.random.default_rng(0)
    features = extract(np.stack([np.zeros(shape), np.ones(shape), rng.random(shape)]))
    assert features.shape == (3, DIM) and np.isfinite(features).all()


def test_a_row_depends_on_its_image_alone():
    images = np.random.default_rng(0).random((70, 32, 32))
    np.testing.assert_allclose(extract(images[65:]), extract(images)[65:], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(extract(images), extract(images))
    assert extract(images[:0]).shape == (0, DIM)


@pytest.mark.parametrize("shape", [(3, 15, 16), (16, 16), (3, 1, 16, 16)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="sides of 16 or more"):
        extract(np.zeros(shape))


def test_nan_is_refused():
    with pytest.raises(InputError, match="NaN"):
        extract(np.full((1, 16, 16), np.nan))
