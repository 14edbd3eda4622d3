"""Three-scale SSIM and what is inside the foreground, against slow loops and scikit-image."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from mribench.errors import Unavailable
from mribench.metrics import structure
from mribench.metrics.images import foreground, unit
from mribench.metrics.structure import BETAS, MS_SSIM3, MS_SSIM3_FG, SSIM, SSIM_FG

AIR = 10 / 255


def pair(seed=0, size=64, noise=0.1):
    """A bright disc in air, and the same with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    disc = ((x - 0.5) ** 2 + (y - 0.45) ** 2 < 0.12) * rng.uniform(0.3, 1, (size, size))
    return (disc + noise * rng.standard_normal(disc.shape)).clip(0, 1), disc


def slow_maps(x, y):
    """Luminance and contrast-structure of each valid 11x11 window, by the formula and two loops."""
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    weight = np.outer(taps, taps) / taps.sum() ** 2
    out = np.empty((2, x.shape[0] - 10, x.shape[1] - 10))
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            ma, mb = (weight * a).sum(), (weight * b).sum()
            va, vb = (weight * (a - ma) ** 2).sum(), (weight * (b - mb) ** 2).sum()
            cov = (weight * (a - ma) * (b - mb)).sum()
            out[0, i, j] = (2 * ma * mb + 0.01**2) / (ma**2 + mb**2 + 0.01**2)
            out[1, i, j] = (2 * cov + 0.03**2) / (va + vb + 0.03**2)
    return out


def slow_ms_ssim3(x, y, inside):
    product = 1.0
    for scale, beta in enumerate(np.array([0.0448, 0.2856, 0.3001]) / 0.6305):
        luminance, structure = slow_maps(x, y)
        values = luminance * structure if scale == 2 else structure
        keep = y[5:-5, 5:-5] >= AIR if inside else np.ones(values.shape, bool)
        product *= max(values[keep].mean(), 0) ** beta
        half = len(x) // 2
        x, y = (image.reshape(half, 2, half, 2).mean((1, 3)) for image in (x, y))
    return product


@pytest.mark.parametrize(("metric", "inside"), [(MS_SSIM3, False), (MS_SSIM3_FG, True)])
def test_three_scales_are_their_definition(metric, inside):
    x, y = pair()
    assert metric.compute(x[None], y[None])[0] == pytest.approx(slow_ms_ssim3(x, y, inside), rel=1e-9)


def test_ssim_inside_is_scikit_images_map_over_the_foreground():
    x, y = pair()
    _, full = structural_similarity(
        x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0, full=True
    )
    inner = slice(5, -5), slice(5, -5)
    expected = full[inner][y[inner] >= AIR].mean()
    assert SSIM_FG.compute(x[None], y[None])[0] == pytest.approx(expected, abs=1e-9)
    assert SSIM_FG.compute(x[None], y[None])[0] > SSIM.compute(x[None], y[None])[0]


@pytest.mark.parametrize("metric", [SSIM, SSIM_FG, MS_SSIM3, MS_SSIM3_FG], ids=lambda m: m.name)
def test_degenerate_images_are_exact(metric):
    flat, (_, disc) = np.full((1, 64, 64), 0.5), pair()
    black = np.zeros((1, 64, 64))
    for image in (flat, black, disc[None]):
        assert metric.compute(image, image)[0] == 1
    # opposite noise is anticorrelated at every scale: no root of a negative number
    noise = 0.5 + 0.1 * np.random.default_rng(0).standard_normal((1, 64, 64))
    assert np.isfinite(metric.compute(1 - noise, noise)).all()


def test_the_betas_sum_to_one():
    assert BETAS.sum() == pytest.approx(1) and len(BETAS) == 3


def test_three_scales_need_44_pixels():
    assert MS_SSIM3.compute(np.zeros((1, 44, 44)), np.zeros((1, 44, 44)))[0] == 1
    with pytest.raises(Unavailable, match="44 pixels"):
        MS_SSIM3.compute(np.zeros((1, 43, 64)), np.zeros((1, 43, 64)))


def test_pairs_of_a_set_are_what_they_are_one_by_one(monkeypatch):
    rng = np.random.default_rng(3)
    some = rng.random((7, 46, 50))
    first, second = rng.integers(0, 7, (2, 40))
    expected = structure.ms_ssim3(some[first], some[second])
    np.testing.assert_allclose(structure.ms_ssim3_of_pairs(some, first, second), expected, rtol=1e-12)
    # also where not all of them fit into memory at once
    monkeypatch.setattr(structure, "MAX_BYTES", 1)
    np.testing.assert_allclose(structure.ms_ssim3_of_pairs(some, first, second), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_mean_that_is_exactly_the_air_floor_is_foreground(dtype):
    """2x2 pixels of grey levels that add up to 40; one level less is air."""
    three = np.indices((21, 21, 21)).reshape(3, -1).T
    levels = np.column_stack([three, 40 - three.sum(1)])
    levels = levels[levels[:, 3] >= 1]
    images = levels.reshape(-1, 2, 2).astype(dtype) / dtype(255)
    # beside pixels of tissue, so that an image without foreground does not count as a whole
    beside = np.concatenate([images, np.ones_like(images)], axis=2)
    assert foreground(structure._halve(unit(beside)))[:, 0, 0].all()
    darker = beside.copy()
    darker[:, 1, 1] = np.maximum(darker[:, 1, 1] - dtype(1 / 255), 0)
    assert not foreground(structure._halve(unit(darker)))[:, 0, 0].any()
