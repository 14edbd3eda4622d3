"""Paired metrics against scikit-image, and inputs that used to break such metrics."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from mribench.errors import InputError
from mribench.metrics.paired import (
    MAE,
    MAE_FG,
    MSE,
    MSE_FG,
    NMSE,
    NMSE_FG,
    PSNR,
    PSNR_FG,
    PSNR_POOLED,
)
from mribench.metrics.structure import SSIM


def pairs(n=70, height=64, width=64, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.random((n, height, width), dtype=np.float32)
    x = (y + noise * rng.standard_normal(y.shape)).clip(0, 1).astype(np.float32)
    return x, y


def reference_ssim(x, y):
    return structural_similarity(
        x.astype(np.float64),
        y.astype(np.float64),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
    )


@pytest.mark.parametrize(("height", "width"), [(64, 64), (11, 11), (32, 48)])
def test_ssim_is_scikit_images(height, width):
    x, y = pairs(40, height, width)
    expected = [reference_ssim(a, b) for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(SSIM.compute(x, y), expected, atol=1e-6, rtol=0)


def test_psnr_is_scikit_images():
    x, y = pairs()
    expected = [
        peak_signal_noise_ratio(b.astype(np.float64), a.astype(np.float64), data_range=1.0)
        for a, b in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(PSNR.compute(x, y), expected, atol=1e-6, rtol=0)


def test_errors_are_plain_means():
    x, y = np.zeros((2, 4, 4)), np.stack([np.full((4, 4), 0.5), np.full((4, 4), 0.25)])
    np.testing.assert_allclose(MSE.compute(x, y), [0.25, 0.0625])
    np.testing.assert_allclose(MAE.compute(x, y), [0.5, 0.25])


def test_equal_images_reach_the_cap_and_nothing_is_nan():
    flat = np.zeros((3, 16, 16), np.float32)
    np.testing.assert_array_equal(PSNR.compute(flat, flat), [100.0] * 3)
    np.testing.assert_array_equal(SSIM.compute(flat, flat), [1.0] * 3)
    # an MSE just above 1e-10 stays below the cap
    assert 99.5 < PSNR.compute(flat + np.float32(1.05e-5), flat)[0] < 100


def test_opposite_images_are_worst():
    black, white = np.zeros((1, 16, 16)), np.ones((1, 16, 16))
    assert PSNR.compute(black, white)[0] == 0
    assert MSE.compute(black, white)[0] == MAE.compute(black, white)[0] == 1


@pytest.mark.parametrize("metric", [PSNR, SSIM, MSE, MAE], ids=lambda metric: metric.name)
def test_order_and_chunks_do_not_matter(metric):
    x, y = pairs(70)
    order = np.random.default_rng(1).permutation(70)
    np.testing.assert_allclose(metric.compute(x, y)[order], metric.compute(x[order], y[order]), rtol=1e-12)
    one_by_one = np.concatenate([metric.compute(x[i : i + 1], y[i : i + 1]) for i in range(70)])
    np.testing.assert_allclose(metric.compute(x, y), one_by_one, rtol=1e-12)
    assert metric.compute(x, y).dtype == np.float64


def test_values_within_the_margin_are_clipped():
    x, y = np.full((1, 16, 16), 1.0005), np.ones((1, 16, 16))
    assert MSE.compute(x, y)[0] == 0


@pytest.mark.parametrize("metric", [PSNR, SSIM, MSE, MAE], ids=lambda metric: metric.name)
@pytest.mark.parametrize("bad", [np.nan, np.inf, 2.0, -1.0, 255.0])
def test_values_off_the_range_are_refused(metric, bad):
    x, y = pairs(3, 16, 16)
    x[1, 2, 3] = bad
    with pytest.raises(InputError, match=r"finite values in \[0, 1\]"):
        metric.compute(x, y)


@pytest.mark.parametrize("shape", [(3, 16, 15), (16, 16), (0, 16, 16), (3, 1, 16, 16)])
def test_shapes_that_do_not_pair_are_refused(shape):
    with pytest.raises(InputError, match="one non-empty"):
        MSE.compute(np.zeros(shape), np.zeros((3, 16, 16)) if shape == (3, 16, 15) else np.zeros(shape))


def test_ssim_says_why_ten_pixels_are_too_few():
    with pytest.raises(InputError, match="11x11"):
        SSIM.compute(np.zeros((1, 10, 64)), np.zeros((1, 10, 64)))


def test_inside_the_foreground_are_plain_loops():
    x, y = pairs(3, 16, 16)
    y[:, :6] *= 0.01
    for k in range(3):
        errors, squares = [], []
        for i in range(16):
            for j in range(16):
                if y[k, i, j] >= 10 / 255:
                    errors.append(float(x[k, i, j]) - float(y[k, i, j]))
                    squares.append(float(y[k, i, j]) ** 2)
        mse = np.mean(np.square(errors))
        assert len(errors) < 200
        assert MSE_FG.compute(x, y)[k] == pytest.approx(mse)
        assert MAE_FG.compute(x, y)[k] == pytest.approx(np.mean(np.abs(errors)))
        assert NMSE_FG.compute(x, y)[k] == pytest.approx(np.sum(np.square(errors)) / np.sum(squares))
        assert PSNR_FG.compute(x, y)[k] == pytest.approx(-10 * np.log10(mse))


def test_nmse_is_the_ratio_of_sums():
    x, y = pairs(5)
    expected = [
        np.sum((a - b) ** 2, dtype=float) / np.sum(b**2, dtype=float) for a, b in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(NMSE.compute(x, y), expected, rtol=1e-5)
    assert NMSE.compute(np.zeros_like(y), y) == pytest.approx(1)


@pytest.mark.parametrize("metric", [MSE, MAE, NMSE, MSE_FG, MAE_FG, NMSE_FG], ids=lambda metric: metric.name)
def test_black_references_give_numbers_in_the_range(metric):
    black = np.zeros((2, 16, 16))
    assert (metric.compute(black, black) == 0).all()
    worst = metric.compute(np.ones_like(black), black)
    assert np.isfinite(worst).all() and (worst <= metric.range[1]).all() and (worst > 0).all()


def test_pooled_psnr_is_below_the_mean_of_decibels():
    x, y = pairs(6)
    x[0] = y[0]
    pooled = PSNR_POOLED.pooled(PSNR_POOLED.compute(x, y).mean())
    assert pooled == pytest.approx(10 * np.log10(1 / np.mean((x.astype(float) - y) ** 2)))
    assert pooled < PSNR.compute(x, y).mean()
    assert PSNR_POOLED.pooled(0.0) == 100
