"""Controls of problems against closed forms, and what a solver that learns is given."""

import numpy as np
import pytest
import torch

from mribench.errors import MribenchError
from mribench.sampling.solving import SolvingModel
from mribench.spec import Measurement, Problem, Solver
from mribench.testing.fixtures import TINY, toy_data
from mribench.variants.problem_controls import TRAINING_MEAN, WIENER, PixelGaussian, wiener

SHAPE, SIGMA = (3, 4), 0.1


class Matrix:
    """A as a matrix, float32 (m, H W)."""

    def __init__(self, matrix):
        self.matrix = matrix

    def __call__(self, x):
        return x.flatten(1) @ self.matrix.T

    def adjoint(self, y):
        return (y @ self.matrix).view(-1, 1, *SHAPE)


class Identity:
    def __call__(self, x):
        return x

    adjoint = __call__


def measure(x, level, draws):
    return Measurement(x + level * draws.normal(*x.shape[1:]), Identity(), level, x.shape[-2:])


PROBLEM = Problem("noisy", "Noisy", measure, levels=(0.1, 0.2), level_name="σ", kind="denoise")


def model(solver, seed=0):
    train = toy_data().train.images
    return SolvingModel(solver, PROBLEM, None, 4, torch.device("cpu"), train=train, profile=TINY, seed=seed)


def test_the_wiener_filter_is_the_mean_of_the_posterior():
    rng = np.random.default_rng(0)
    d, m = 12, 6
    axes = torch.from_numpy(np.linalg.qr(rng.standard_normal((d, 5)))[0].T)
    variance, rest = torch.from_numpy(rng.uniform(0.01, 0.1, 5)), torch.from_numpy(rng.uniform(0, 0.01, d))
    mean, A = torch.from_numpy(rng.uniform(0.3, 0.7, d)), torch.from_numpy(rng.standard_normal((m, d)))
    y = torch.from_numpy(rng.standard_normal((3, m)))
    C = axes.T @ torch.diag(variance) @ axes + torch.diag(rest)
    gain = C @ A.T @ torch.linalg.inv(A @ C @ A.T + SIGMA**2 * torch.eye(m))
    expected = mean + (y - A @ mean) @ gain.T
    prior = PixelGaussian(*(part.float() for part in (mean, axes, variance, rest)))
    found = wiener(prior, Measurement(y.float(), Matrix(A.float()), SIGMA, SHAPE), None)
    assert torch.allclose(found.flatten(1).double(), expected, atol=1e-3)


def test_the_wiener_filter_beats_the_mean_which_ignores_what_was_measured():
    test, train = toy_data().test.images, toy_data().train.images / 255
    mean, filtered = (model(solver).answer(0.1, test, 0) for solver in (TRAINING_MEAN, WIENER))
    assert np.abs(mean - train.mean(0)).max() < 1e-6
    assert np.square(filtered - test / 255).mean() < 0.5 * np.square(mean - test / 255).mean()


def test_the_true_image_has_a_residual_of_one_and_another_more():
    test = toy_data().test.images[:6]
    true = model(TRAINING_MEAN).residual(0.1, test, test / 255, 0)
    assert true.shape == (6,) and np.abs(true - 1).max() < 0.1
    assert (model(TRAINING_MEAN).residual(0.1, test, test / 255 + 0.1, 0) > 1.3).all()


def test_a_solver_learns_from_batches_that_its_seed_and_level_alone_decide():
    def fit(examples):
        return sum(float(x.sum() + m.y.sum()) for x, m, _ in examples.batches(2, 3))

    learning = Solver(
        "learns", "Learns", "", lambda known, m, draws: m.y * 0 + known % 1, needs=(), fit=fit, trains=True
    )
    test = toy_data().test.images[:2]

    def answer(level=0.1, seed=0):
        return model(learning, seed).answer(level, test, 0)[0, 0, 0]

    assert answer() == answer() and answer() != answer(seed=1) and answer() != answer(level=0.2)
    asked = model(learning)
    asked.answer(0.1, test, 0)
    assert asked.train_images == 2 * 3 and asked.train_seconds > 0


def test_a_solver_that_learns_is_refused_without_images():
    alone = SolvingModel(WIENER, PROBLEM, None, 4, torch.device("cpu"))
    with pytest.raises(MribenchError, match="wiener learns from training images, and none were given"):
        alone.answer(0.1, toy_data().test.images, 0)
