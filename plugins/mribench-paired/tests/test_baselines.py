"""Translations whose right answer is known without a network, and NMAE in closed form."""

import numpy as np
import pytest
import torch
from mribench_paired import baselines
from mribench_paired.contrasts import FirstContrast
from mribench_paired.metrics import NMAE, NMAE_FG

from mribench.spec import Examples, Measurement

SIDE = 16


def learned(solver, target, *sources):
    """What a baseline learns from pairs, (N, H, W) each."""
    images = np.stack([target, *sources], axis=1).astype(np.float32)
    return solver.fit(Examples(images, None, None, 0, torch.device("cpu"), float(len(sources))))


def answered(solver, known, *sources, **setting):
    y = torch.from_numpy(np.stack(sources, axis=1).astype(np.float32))
    return solver.solve(known, Measurement(y, FirstContrast(), 0.0, (SIDE, SIDE)), None, **setting)[
        :, 0
    ].numpy()


def uniform(n, *address):
    return np.random.default_rng([3, *address]).uniform(0, 1, (n, SIDE, SIDE))


@pytest.mark.parametrize("factor", [0.25, 0.5, 0.9])
def test_the_nmae_of_the_identity_is_what_the_contrast_differs_by(factor):
    """With a contrast c x of the image x it is 1 - c, whatever the image; in the foreground too."""
    truth = uniform(4)
    answer = answered(baselines.IDENTITY, None, factor * truth)
    assert NMAE.compute(answer, truth) == pytest.approx(1 - factor, abs=1e-6)
    assert NMAE_FG.compute(answer, truth) == pytest.approx(1 - factor, abs=1e-6)


def test_the_nmae_of_the_foreground_does_not_count_air():
    truth = np.zeros((1, SIDE, SIDE))
    truth[:, :4] = 0.5
    answer = np.where(truth > 0, 0.4, 0.1)
    assert NMAE_FG.compute(answer, truth) == pytest.approx(0.2)
    assert NMAE.compute(answer, truth) == pytest.approx(0.2 + 3 * 0.1 / 0.5)


def test_the_map_by_grey_value_finds_any_function_of_a_pixel_and_histogram_matching_a_rising_one_alone():
    source, fresh = uniform(40), uniform(4, 1)
    for function, rises in (
        (lambda s: s**2, True),
        (lambda s: 1 - s, False),
        (lambda s: (2 * s - 1) ** 2, False),
    ):
        known = learned(baselines.INTENSITY_MAP, function(source), source)
        assert np.abs(answered(baselines.INTENSITY_MAP, known, fresh) - function(fresh)).max() < 0.03
        known = learned(baselines.HISTOGRAM_MATCHING, function(source), source)
        error = np.abs(answered(baselines.HISTOGRAM_MATCHING, known, fresh) - function(fresh)).mean()
        assert (error < 0.01) == rises


def test_two_contrasts_tell_what_neither_does_alone():
    first, second, fresh = uniform(60), uniform(60, 1), (uniform(4, 2), uniform(4, 3))
    target = np.abs(first - second)
    truth = np.abs(fresh[0] - fresh[1])
    known = learned(baselines.INTENSITY_MAP, target, first, second)
    assert np.abs(answered(baselines.INTENSITY_MAP, known, *fresh) - truth).mean() < 0.02
    known = learned(baselines.INTENSITY_MAP, target, first)
    assert np.abs(answered(baselines.INTENSITY_MAP, known, fresh[0]) - truth).mean() > 0.1


def test_histogram_matching_needs_no_pairs():
    source, fresh = uniform(40), uniform(4, 1)
    target = (source**2).reshape(-1)
    shuffled = np.random.default_rng(0).permutation(target).reshape(source.shape)
    known = learned(baselines.HISTOGRAM_MATCHING, shuffled, source)
    assert np.abs(answered(baselines.HISTOGRAM_MATCHING, known, fresh) - fresh**2).mean() < 0.01


def test_patch_regression_is_the_regression_of_linear_gaussian_pairs():
    """x = K y + b + noise: what it learns is K, and what it leaves is the noise."""
    rng = np.random.default_rng(0)
    weights, sigma = np.array([[0, 0.1, 0], [0.2, -0.5, 0.1], [0, 0.3, 0]]), 0.05

    def drawn(n):
        y = rng.normal(0.5, 0.15, (n, SIDE, SIDE))
        padded = np.pad(y, ((0, 0), (1, 1), (1, 1)), mode="edge")
        clean = 0.4 + sum(
            weights[i, j] * padded[:, i : i + SIDE, j : j + SIDE] for i in range(3) for j in range(3)
        )
        return clean + sigma * rng.normal(size=y.shape), y, clean

    target, source, _ = drawn(60)
    known = learned(baselines.PATCH_REGRESSION, target, source)
    assert np.allclose(known[3].numpy(), [*weights.ravel(), 0.4], atol=0.01)
    _, fresh, clean = drawn(20)
    for side in (3, 5):
        answer = answered(baselines.PATCH_REGRESSION, known, fresh, side=side)
        assert np.abs(answer - clean).mean() < 0.1 * sigma
    alone = answered(baselines.PATCH_REGRESSION, known, fresh, side=1)
    assert np.abs(alone - clean).mean() > 0.5 * sigma, "a pixel alone does not tell its neighbours"


def test_the_mean_of_the_training_images_ignores_what_is_shown():
    target = uniform(10)
    known = learned(baselines.TARGET_MEAN, target, uniform(10, 1))
    answer = answered(baselines.TARGET_MEAN, known, uniform(2, 2))
    assert np.allclose(answer, target.mean(0), atol=1e-6)
