"""Controls that imitate: a Gaussian with real histograms and spectra, and warped copies."""

import numpy as np
import pytest

from mribench.features.spectrum import radial_log_power
from mribench.plugins import lookup
from mribench.seeds import numpy_rng
from mribench.variants import controls
from mribench.variants.controls import DISPLACEMENT, GAUSSIAN, GAUSSIAN_MATCHED, WARPED_REPLAY
from mribench.variants.warp import warped


@pytest.fixture(scope="module")
def train():
    """Phantom slices, float32 (60, 64, 64) in [0, 1]."""
    phantom = lookup.load("modalities", "brain").phantom
    return np.stack([phantom(0, subject, 0, size=64).image for subject in range(60)]).astype(np.float32)


def made(control, train, indices=range(12), seed=0):
    return control.generate(control.fit(train), indices, seed)


def test_a_matched_image_has_histogram_and_spectrum_of_one_training_image(train, monkeypatch):
    # few, so that the Gaussian alone is smooth
    monkeypatch.setattr(controls, "COMPONENTS", 8)
    by_histogram = {np.sort(image, axis=None).tobytes(): i for i, image in enumerate(train)}
    images = made(GAUSSIAN_MATCHED, train)
    source = train[[by_histogram[np.sort(image, axis=None).tobytes()] for image in images]]

    def off(images):
        """Natural log of power, root mean square over rings: 1 is 4.3 dB."""
        return np.sqrt(np.square(radial_log_power(images) - radial_log_power(source)).mean())

    # the histogram comes last and moves the spectrum again
    assert off(images) < 0.4 < 1 < off(made(GAUSSIAN, train))
    assert (np.abs(images - source).mean((1, 2)) > 0.02).all()


@pytest.mark.parametrize("control", [GAUSSIAN_MATCHED, WARPED_REPLAY], ids=lambda control: control.name)
def test_an_image_depends_on_seed_and_index_alone(train, control):
    images = made(control, train)
    assert images.dtype == np.float32 and images.min() >= 0 and images.max() <= 1
    np.testing.assert_array_equal(images[[7, 2]], made(control, train, [7, 2]))
    assert (images[0] != made(control, train, range(1), seed=1)[0]).any()


def test_a_warped_copy_is_near_no_pixel_of_its_source_and_as_sharp(train):
    images = made(WARPED_REPLAY, train, range(40))
    assert min(np.abs(image - train).mean((1, 2)).min() for image in images) > 0.02
    finest = [np.abs(np.fft.fft2(x))[:, 20:44, 20:44].mean() for x in (images, train)]
    assert finest[0] == pytest.approx(finest[1], rel=0.2)


def test_a_warp_moves_pixels_by_what_it_says():
    side = 64
    ramps = np.broadcast_to(np.linspace(0.2, 0.8, side, dtype=np.float32), (200, side, side))
    step = 0.6 / (side - 1)
    moved = warped(ramps, DISPLACEMENT, [numpy_rng(i) for i in range(200)]) - ramps
    inside = moved[:, 12:-12, 12:-12] / step  # pixels, along one of two axes
    assert np.sqrt(2 * np.square(inside).mean()) == pytest.approx(DISPLACEMENT, rel=0.05)
    np.testing.assert_allclose(warped(ramps[:2], 0.0, [numpy_rng(0)] * 2), ramps[:2], atol=1e-6)
