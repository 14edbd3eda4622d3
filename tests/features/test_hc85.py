"""hc85-v1: what each number is, and that no effect which no eye can see moves the kernel distance."""

import numpy as np
import pytest

from mribench.errors import InputError
from mribench.features.hc85 import HC85, extract
from mribench.features.spectrum import radial_log_power
from mribench.metrics.distribution import KD

INTENSITY, SPECTRUM, HAAR, GRADIENT, MASK = (
    slice(0, 20),
    slice(20, 52),
    slice(52, 73),
    slice(73, 80),
    slice(80, 85),
)


def discs(n, size=64, seed=0):
    """Textured discs before an exactly black background, in 8 bits: masked organs in the plainest form."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:size, :size] / size
    images = np.empty((n, size, size))
    for i in range(n):
        centre, radius = rng.uniform(0.4, 0.6, 2), rng.uniform(0.2, 0.35)
        phase, wave = rng.uniform(0, 6, 2), rng.uniform(10, 40, 2)
        inside = np.hypot(row - centre[0], column - centre[1]) < radius
        texture = np.sin(wave[0] * row + phase[0]) * np.sin(wave[1] * column + phase[1])
        tissue = rng.uniform(0.4, 0.7) + 0.2 * texture + 0.02 * rng.standard_normal((size, size))
        images[i] = np.where(inside, tissue, 0)
    return (np.rint(images.clip(0, 1) * 255) / 255).astype(np.float32)


def blurred(images):
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), mode="edge")
    side = images.shape[1]
    return sum(padded[:, i : i + side, j : j + side] for i in range(3) for j in range(3)) / 9


def test_eighty_five_finite_numbers():
    features = extract(discs(3))
    assert features.shape == (3, HC85.dim) == (3, 85)
    assert features.dtype == np.float64
    assert np.isfinite(features).all()


@pytest.mark.parametrize("size", [16, 18, 32, 64, 128])
def test_any_even_size(size):
    features = extract(np.concatenate([discs(2, size), np.zeros((1, size, size)), np.ones((1, size, size))]))
    assert features.shape == (4, 85)
    assert np.isfinite(features).all()


def test_a_row_depends_on_its_image_alone():
    images = discs(70)
    np.testing.assert_allclose(extract(images)[65:], extract(images[65:]), rtol=1e-9)
    assert extract(images[:0]).shape == (0, 85)


def test_intensity_and_gradient_of_a_ramp():
    ramp = np.tile(np.linspace(0.1, 0.9, 64), (1, 64, 1))
    features = extract(ramp)[0]
    np.testing.assert_allclose(features[INTENSITY], 0.1 + 0.8 * (np.arange(20) + 0.5) / 20, atol=0.01)
    np.testing.assert_allclose(features[GRADIENT], 0.8 / 63, rtol=1e-6)


def test_spectrum_of_white_noise_is_flat_at_its_variance():
    noise = 0.1 * np.random.default_rng(0).standard_normal((200, 64, 64))
    np.testing.assert_allclose(np.exp(radial_log_power(noise)).mean(0), 0.01, rtol=0.1)


def test_spectrum_is_the_mean_over_the_whole_plane():
    image = np.random.default_rng(0).random((1, 64, 64))
    power = np.abs(np.fft.fft2(image[0])) ** 2 / 64**2
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64))) * 64
    expected = [np.log(power[(radius >= k) & (radius < k + 1)].mean() + 1e-6) for k in range(32)]
    np.testing.assert_allclose(radial_log_power(image)[0], expected, rtol=1e-9)


def test_spectrum_of_a_wave_peaks_in_its_ring():
    wave = np.cos(2 * np.pi * 10 / 64 * np.arange(64))
    assert radial_log_power(np.tile(wave, (1, 64, 1)))[0].argmax() == 10
    assert radial_log_power(np.tile(wave[:, None], (1, 1, 64)))[0].argmax() == 10


def test_haar_tells_orientations_and_levels_apart():
    stripes = 0.25 + 0.5 * (np.arange(64) % 2)
    across, along = (extract(np.broadcast_to(s, (1, 64, 64)))[0, HAAR] for s in (stripes[:, None], stripes))
    means = slice(0, 18, 2)
    floor = np.log(1e-4)
    # stripes of one pixel live in one orientation of the first level and leave nothing to the next ones
    assert across[means][0] > -1 and np.allclose(across[means][1:], floor)
    assert along[means][1] > -1 and np.allclose(along[means][[0, *range(2, 9)]], floor)
    np.testing.assert_allclose(across[18:], 0, atol=1e-12)
    # stripes of four pixels, 0.25 and 0.75, pass one and two levels of averaging unchanged
    wide = extract(np.broadcast_to(0.25 + 0.5 * (np.arange(64) // 4 % 2), (1, 64, 64)))[0, HAAR]
    np.testing.assert_allclose(wide[18:], [0.25, 0.25, 0], atol=1e-12)


def test_mask_moments_of_a_box_and_of_nothing():
    box = np.zeros((2, 64, 64))
    box[0, 16:48, 32:64] = 0.5
    spread = 0.5 / np.sqrt(12)
    features = extract(box)[:, MASK]
    np.testing.assert_allclose(features[0], [0.25, 0.5, 0.75, spread, spread], atol=1e-3)
    np.testing.assert_array_equal(features[1], [0, 0.5, 0.5, 0, 0])


def test_air_is_below_ten_grey_levels():
    image = np.zeros((3, 16, 16), np.float32)
    image[1], image[2] = np.float32(9 / 255), np.float32(10 / 255)
    none, nine, ten = extract(image)
    np.testing.assert_array_equal(none, nine)
    assert ten[0] == pytest.approx(10 / 255)


def kd(generated, reference, train):
    return KD.scale * KD.compute(extract(generated), extract(reference), extract(train), HC85)


def test_kd_ignores_what_no_eye_sees_and_sees_blur_and_noise():
    train, reference, generated = discs(150, seed=1), discs(100, seed=2), discs(100, seed=3)
    rng = np.random.default_rng(4)
    halves = [rng.permutation(100) for _ in range(10)]
    floor = max(abs(kd(reference[h[:50]], reference[h[50:]], train)) for h in halves)
    clean = kd(generated, reference, train)
    offset = kd(np.where(generated < 10 / 255, generated + 2 / 255, generated), reference, train)
    grain = kd((generated + (rng.random(generated.shape) - 0.5) / 255).clip(0, 1), reference, train)
    assert abs(offset - clean) < floor
    assert abs(grain - clean) < floor
    noise = 0.05 * rng.standard_normal(generated.shape)
    for damaged in (blurred(generated), (generated + noise).clip(0, 1)):
        assert kd(damaged, reference, train) - clean > 10 * floor


@pytest.mark.parametrize("shape", [(2, 15, 16), (2, 14, 14), (16, 16), (2, 1, 16, 16)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="even sides"):
        extract(np.zeros(shape))


def test_nan_is_refused():
    with pytest.raises(InputError, match="NaN"):
        extract(np.full((1, 16, 16), np.nan))
