"""The prior of another organ on an organ's problem, beside rows without a prior."""

import numpy as np
import torch

from mribench.calibration import shift
from mribench.calibration.shift import Entry
from mribench.sampling.solving import SolvingModel
from mribench.spec import Measurement, Problem, Solver
from mribench.testing.fixtures import TINY, toy_data
from mribench.variants.problem_controls import WIENER


class Identity:
    def __call__(self, x):
        return x

    adjoint = __call__


def measure(x, level, draws):
    return Measurement(x + level * draws.normal(*x.shape[1:]), Identity(), level, x.shape[-2:])


PROBLEM = Problem("noisy", "Noisy", measure, levels=(0.1,), level_name="σ", kind="denoise")
SOLVER = Solver(
    "one-call",
    "One call",
    "",
    lambda denoiser, m, draws, weight=1.0: m.y + weight * (denoiser(m.y, m.sigma) - m.y),
    samples=False,
    search=({"weight": 0.5}, {"weight": 1.0}),
)


class Knows:
    """A prior whose images all look like the mean of its organ, give or take ``width``; of images in [-1, 1]."""

    sigmas, nfe = (0.01, 100.0), 0

    def __init__(self, mean, width):
        self.mean, self.width = torch.from_numpy(2 * mean - 1).float(), 2 * width

    def __call__(self, x, sigma):
        return self.mean + self.width**2 / (self.width**2 + sigma**2) * (x - self.mean)


def model(solver, prior=None):
    train = toy_data().train.images
    return SolvingModel(solver, PROBLEM, prior, 4, torch.device("cpu"), train=train, profile=TINY)


def test_the_prior_of_another_organ_is_worse_than_ones_own_and_both_stand_beside_the_wiener_filter():
    data = toy_data()
    mean = data.train.images.mean(0) / 255
    rows = {
        "own": model(SOLVER, Knows(mean, 0.15)),
        "other": model(SOLVER, Knows(1 - mean, 0.15)),
        "wiener": model(WIENER),
    }
    found = shift.column(rows, "own", data, 0.1, subjects=3)
    assert found["own"].psnr > found["other"].psnr + 1
    assert found["wiener"].above == 0
    assert np.isclose(found["own"].above, found["own"].psnr - found["wiener"].psnr)


def test_a_page_marks_what_is_ahead_of_the_reference():
    wiener = Entry(20.0, 19.0, 21.0)
    ahead, tied = Entry(24.0, 23.0, 25.0, 4.0, 3.0, 5.0), Entry(20.2, 19.0, 21.0, 0.2, -0.1, 0.5)
    of = {"brain": {"brain": ahead, "heart": tied, "wiener": wiener}}
    page = shift.page(of, "a title")
    assert "| brain | **24.0 [23.0, 25.0]** |" in page
    assert "| heart | 20.2 [19.0, 21.0] |" in page
