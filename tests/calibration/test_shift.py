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
    assert set(found["own"].beside) == {"wiener"} and found["wiener"].beside == {}


def test_rows_are_told_apart_by_their_paired_differences():
    rng = np.random.default_rng(0)
    hard = rng.normal(25, 6, 20)  # images differ by far more than rows
    wiener, tv = hard + rng.normal(0, 0.1, 20), hard + 1 + rng.normal(0, 0.1, 20)
    values = {"own": hard + 2, "other": hard + 0.5, "same": hard + rng.normal(0, 0.1, 20)}
    found = shift.entries(values | {"wiener": wiener, "tv": tv}, [str(n) for n in range(20)])
    assert found["own"].beside == {"wiener": 1, "tv": 1}
    assert found["other"].beside == {"wiener": 1, "tv": -1}
    assert found["same"].beside == {"wiener": 0, "tv": -1}
    assert found["tv"].beside == {"wiener": 1} and found["wiener"].beside == {"tv": -1}
    assert np.isclose(found["own"].psnr, np.mean(hard) + 2) and found["own"].low < found["wiener"].psnr
    # of one subject nothing is known
    assert shift.entries(values | {"tv": tv}, ["a"] * 20)["own"].beside == {"tv": 0}


def test_a_page_marks_what_is_told_apart_from_rows_without_a_prior():
    ahead = Entry(24.0, 23.0, 25.0, {"wiener": 1, "tv": 1})
    between = Entry(21.5, 20.0, 22.0, {"wiener": 1, "tv": -1})
    tied, wiener = Entry(20.2, 19.0, 21.0, {"wiener": 0, "tv": 0}), Entry(20.0, 19.0, 21.0, {"tv": -1})
    of = {"brain": {"brain": ahead, "heart": between, "spine": tied, "wiener": wiener}}
    page = shift.page(of, "a title")
    assert "| brain | **24.0 [23.0, 25.0]** + |" in page
    assert "| heart | **21.5 [20.0, 22.0]** − |" in page
    assert "| spine | 20.2 [19.0, 21.0] |" in page
    assert "| wiener | 20.0 [19.0, 21.0] − |" in page
