from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mribench.data.slices import fit, outside, prepare_volume, window
from mribench.errors import DataError
from mribench.spec import Volume


def volume(pixels, spacing=None) -> Volume:
    return Volume("s1", np.asarray(pixels, dtype=np.float32), spacing, "file.png")


def body(level: float = 1000.0, n: int = 3) -> np.ndarray:
    pixels = np.zeros((n, 40, 40), dtype=np.float32)
    pixels[:, 8:32, 8:32] = np.linspace(0.2, 1.0, 24) * level
    return pixels


def test_window_ignores_air_and_outliers():
    pixels = body()
    low, high = window(pixels)
    assert 190 < low < 240 and 950 < high <= 1000
    pixels[0, 0, 0], pixels[1, 0, 0] = 1e6, -1e6
    assert window(pixels) == pytest.approx((low, high), rel=0.02)


def test_window_does_not_depend_on_the_amount_of_air():
    padded = np.pad(body(), ((0, 0), (40, 40), (40, 40)))
    assert window(padded) == pytest.approx(window(body()), rel=1e-3)


def test_window_sees_a_structure_below_one_percent():
    pixels = np.zeros((1, 100, 100), dtype=np.float32)
    pixels[0, :8, :8] = np.linspace(10, 20, 8)
    assert window(pixels)[1] > 19


def test_one_window_per_volume_keeps_slices_comparable():
    pixels = body(n=2)
    pixels[1] /= 2
    first, second = (record.image.max() for record in prepare_volume(volume(pixels), 40).slices)
    assert second < 0.6 * first


@pytest.mark.parametrize("scale, offset", [(1, 0), (0.001, 0), (60, 0), (1, -1024)])
def test_result_does_not_depend_on_units(scale, offset):
    expected = prepare_volume(volume(body()), 16).slices[1].image
    found = prepare_volume(volume(body() * scale + offset), 16).slices[1].image
    assert found.dtype == np.uint8 and found.shape == (16, 16)
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_fit_keeps_aspect_and_pads_with_zeros():
    image = fit(np.ones((40, 20), np.float32), 16)
    assert image.shape == (16, 16)
    np.testing.assert_allclose(image[:, 4:12], 1, atol=1e-6)
    assert not image[:, :4].any() and not image[:, 12:].any()


def test_fit_makes_pixels_square():
    tall = fit(np.ones((20, 40), np.float32), 16, (4.0, 1.0))
    np.testing.assert_allclose(tall[:, 4:12], 1, atol=1e-6)
    assert not tall[:, :4].any()


def test_the_spacing_of_a_volume_is_used():
    pixels = np.tile(np.linspace(1, 2, 40, dtype=np.float32), (1, 20, 1))
    square, tall = (prepare_volume(volume(pixels, s), 16).slices[0].image for s in (None, (9.0, 4.0, 1.0)))
    assert square[8].any() and not square[1].any()
    assert tall[1].any() and not tall[:, 1].any()


def test_shrinking_is_antialiased():
    stripes = np.tile(np.array([0, 1], np.float32), (64, 32))
    np.testing.assert_allclose(fit(stripes, 16)[:, 1:-1], 0.5, atol=0.05)


def test_shrinking_neither_rings_nor_loses_brightness():
    edge = np.zeros((96, 96), np.float32)
    edge[20:70, 30:80] = 1
    small = fit(edge, 32)
    assert small.min() >= 0 and small.max() <= 1 + 1e-6
    assert small.mean() == pytest.approx(edge.mean(), rel=0.01)


def test_enlarging_is_not_by_nearest_neighbour():
    ramp = np.tile(np.linspace(0, 1, 10, dtype=np.float32), (10, 1))
    assert len(np.unique(fit(ramp, 40)[20])) > 20


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_refused(value):
    pixels = body()
    pixels[1, 3, 4] = value
    with pytest.raises(DataError, match=r"Subject s1, file\.png: 1 pixels are NaN or infinite"):
        prepare_volume(volume(pixels), 16)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 40), (2, 40, 7)])
def test_tiny_images_are_refused(shape):
    with pytest.raises(DataError, match=r"the image is \d+x\d+ pixels, below 8x8"):
        prepare_volume(volume(np.random.default_rng(0).random(shape)), 16)


@pytest.mark.parametrize("shape", [(0, 40, 40), (40, 40)])
def test_no_image_is_refused(shape):
    with pytest.raises(DataError, match="no image"):
        prepare_volume(volume(np.zeros(shape)), 16)


def test_blank_slices_are_dropped_and_told():
    pixels = body(n=4)
    pixels[0] = 0
    pixels[3] = 0
    pixels[3, 20, 20] = 1000
    kept, _, dropped = prepare_volume(volume(pixels), 16)
    assert [record.slice for record in kept] == [1, 2]
    assert [(row["slice"], row["reason"]) for row in dropped] == [
        (0, "constant"),
        (3, "less than 1% of the area is foreground"),
    ]


def test_a_constant_volume_keeps_nothing():
    assert prepare_volume(volume(np.full((2, 20, 20), 7)), 16).slices == []


def test_a_mask_becomes_black_and_white():
    mask = np.zeros((1, 16, 16))
    mask[0, 4:12, 4:12] = 1
    assert set(np.unique(prepare_volume(volume(mask), 16).slices[0].image)) == {0, 255}


def noisy_scan(masked=True):
    """Specks in the air; a body with a dark hole, and a speck in that."""
    rng = np.random.default_rng(0)
    pixels = np.where(rng.random((3, 40, 40)) < 0.08, rng.uniform(100, 250, (3, 40, 40)), 5)
    pixels[:, 8:32, 8:32] = rng.uniform(300, 1000, (3, 24, 24))
    pixels[:, 16:22, 16:22] = 5
    pixels[:, 18, 18] = 200
    return replace(volume(pixels, (3.0, 2.0, 2.0)), foreground="threshold" if masked else "none")


def test_specks_in_the_air_become_0_and_the_body_stays():
    masked, plain = (prepare_volume(noisy_scan(wanted), 40) for wanted in (True, False))
    for one, other in zip(masked.slices, plain.slices, strict=True):
        air = np.ones((40, 40), bool)
        air[6:34, 6:34] = False
        left, were = (np.count_nonzero(found.image[air]) for found in (one, other))
        assert were > 40 and left < 0.05 * were
        inside = np.s_[9:31, 9:31]
        np.testing.assert_array_equal(one.image[inside], other.image[inside])
        assert one.image[18, 18] > 0 and one.origin == other.origin
    assert masked.window["cleared"] > 50 and plain.window["cleared"] == 0
    assert (masked.window["foreground"], plain.window["foreground"]) == ("threshold", "none")
    assert {k: masked.window[k] for k in ("low", "high")} == {k: plain.window[k] for k in ("low", "high")}


def test_dark_parts_are_outside_only_where_a_path_leads_out():
    image = np.zeros((30, 30), np.float32)
    image[5:25, 5:25] = 10
    image[8:22, 8:22] = 0
    found = outside(image, 1.0)
    assert found[0].all() and not found[10:20, 10:20].any()
    image[13:17, :8] = 0  # a channel, then a bend
    found = outside(image, 1.0)
    assert found[10:20, 10:20].all() and not found[6, 6:24].any()


def test_outside_follows_a_spiral():
    image = np.full((41, 41), 10, np.float32)
    image[:4] = image[:, 37:] = image[37:, 4:] = image[12:, 4:8] = image[12:16, 8:29] = 0
    image[16:29, 25:29] = 0
    assert outside(image, 1.0)[26, 27]


def test_a_slice_of_specks_alone_is_dropped():
    scan = noisy_scan()
    scan.pixels[0, 8:32, 8:32] = 5
    assert [row["slice"] for row in prepare_volume(scan, 40).dropped] == [0]
    assert prepare_volume(replace(scan, foreground="none"), 40).dropped == []


@pytest.mark.parametrize(
    ("spacing", "size", "expected"),
    [((3.0, 2.0, 2.0), 20, 4.0), ((3.0, 1.0, 2.0), 40, 2.0), (None, 20, None)],
)
def test_the_spacing_of_the_result_is_told(spacing, size, expected):
    note = prepare_volume(volume(body(), spacing), size).window
    assert note["mm_per_pixel"] == expected and note["spacing"] == spacing
