"""gist208-v1: what each number is, and what moves it."""

import numpy as np
import pytest

from mribench.errors import InputError
from mribench.features.gist import AIR, DIM, EPSILON, GIST, ORIENTATIONS, SCALES, extract

MAPS = len(SCALES) * ORIENTATIONS


def wave(frequency, angle, size=64):
    """A wave of amplitude 0.3 around 0.5, ``angle`` counted from the columns' axis."""
    y, x = np.mgrid[:size, :size]
    phase = 2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle))
    return (0.5 + 0.3 * np.cos(phase))[None]


def energies(image):
    """(scale, orientation, cell): the mean amplitude, as it was before the logarithm."""
    return (np.exp(extract(image)[0]) - EPSILON)[: 16 * MAPS].reshape(len(SCALES), ORIENTATIONS, 16)


def test_the_number_of_numbers():
    features = extract(np.random.default_rng(0).random((3, 64, 64)))
    assert features.shape == (3, DIM) == (3, 208) and features.dtype == np.float64
    assert GIST.dim == DIM and GIST.identity() == GIST.name == "gist208-v1"


@pytest.mark.parametrize("scale", range(len(SCALES)))
@pytest.mark.parametrize("orientation", [0, 2])
def test_a_wave_is_found_at_its_scale_and_orientation_with_its_amplitude(scale, orientation):
    # 64 pixels hold a whole number of waves
    frequency = round(SCALES[scale] * 64) / 64
    found = energies(wave(frequency, orientation * np.pi / 4)).mean(-1)
    assert np.unravel_index(found.argmax(), found.shape) == (scale, orientation)
    assert found.max() == pytest.approx(0.3, rel=0.1)


def test_a_cell_sees_its_own_part_of_the_image():
    image = np.zeros((1, 64, 64))
    image[:, 16:32, 48:] = 0.5
    means = (np.exp(extract(image)[0]) - EPSILON)[16 * MAPS :].reshape(4, 4)
    assert means[1, 3] == pytest.approx(0.5 - AIR, rel=1e-5)
    assert np.abs(np.delete(means.ravel(), 7)).max() < 1e-6


def test_what_lies_in_air_does_not_matter():
    rng = np.random.default_rng(0)
    image = np.zeros((1, 64, 64))
    image[:, 20:40, 20:40] = 0.6
    air = image.copy()
    air[image == 0] = rng.uniform(0, AIR, (image == 0).sum())
    np.testing.assert_allclose(extract(air), extract(image), atol=1e-6)


def test_rows_are_independent_and_flat_images_finite():
    images = np.concatenate([np.random.default_rng(0).random((70, 32, 32)), np.zeros((1, 32, 32))])
    features = extract(images)
    assert np.isfinite(features).all()
    np.testing.assert_allclose(extract(images[65:]), features[65:], rtol=1e-5, atol=1e-6)
    assert extract(images[:0]).shape == (0, DIM)


@pytest.mark.parametrize("shape", [(3, 15, 16), (3, 30, 32), (16, 16), (3, 12, 12)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="divisible by 4"):
        extract(np.zeros(shape))


def test_nan_is_refused():
    with pytest.raises(InputError, match="NaN"):
        extract(np.full((1, 16, 16), np.nan))
