"""Problems that show other contrasts of the image that is sought: channels, fields of which one is enough, ceilings."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mribench.runner.cell import field_keys
from mribench.sampling.fitting import check_problems
from mribench.sampling.offers import needed, not_applicable, wanted
from mribench.sampling.solving import SolvingModel
from mribench.spec import Measurement, Modality, Problem, Solver
from mribench.tasks.inverse import inverse_task
from mribench.testing.fixtures import TINY, toy_data, with_fields
from mribench.variants.ddpm import DDPM


class First:
    def __call__(self, x):
        return x

    def adjoint(self, y):
        return y[:, :1]


def shown(x, level, draws):
    assert x.shape[1] == 3, "the image and two contrasts"
    return Measurement(x[:, 1 : 1 + int(level)], First(), 0.0, tuple(x.shape[-2:]))


def channels(split):
    return np.stack([split.images, split.fields["t1w"], split.fields["t2w"]], axis=1)


PROBLEM = Problem(
    "contrasts",
    "Contrasts",
    shown,
    (1.0, 2.0),
    "contrasts",
    kind="contrasts",
    restores=False,
    images=channels,
)
TASK = replace(inverse_task(PROBLEM), any_fields=("t1w", "t2w"))
CEILING = Solver(
    "ceiling", "", "", lambda *_: None, needs=(), kinds=("contrasts",), samples=False, fields=("clean",)
)


@pytest.fixture
def data():
    return with_fields(toy_data(), ("t1w", "t2w"))


def test_a_solver_learns_from_the_image_and_sees_as_many_contrasts_as_the_level_says(data):
    seen = []

    def fit(examples):
        ((x, m, _),) = examples.batches(1, 4)
        seen.append((examples.level, examples.images.shape[1:], x.shape[1], m.y.shape[1]))
        return examples.level

    def solve(known, m, draws):
        assert m.y.shape[1] == known
        return 1 - m.y[:, -1:]

    solver = Solver("inverted", "", "", solve, needs=(), kinds=("contrasts",), fit=fit)
    train, test = channels(data.train), channels(data.test)
    cpu = torch.device("cpu")
    model = SolvingModel(solver, PROBLEM, None, 4, cpu, train=train, profile=TINY)
    for level in PROBLEM.levels:
        found = model.answer(level, test, seed=0)
        assert found.shape == data.test.images.shape
        # the toy's other contrasts are the image, inverted
        assert np.allclose(found, data.test.unit(), atol=1e-6)
    side = data.train.images.shape[1:]
    assert seen == [(1.0, (3, *side), 3, 1), (2.0, (3, *side), 3, 2)]


def test_random_numbers_depend_on_the_contrasts_too(data):
    def solve(known, m, draws):
        return draws.uniform(1, *m.shape)

    solver = Solver("drawn", "", "", solve, needs=(), kinds=("contrasts",))
    model = SolvingModel(solver, PROBLEM, None, 4, torch.device("cpu"))
    test = channels(data.test)
    other = test.copy()
    other[0, 1] //= 2
    one, two = (model.answer(1.0, images, seed=0) for images in (test, other))
    assert not np.array_equal(one[0], two[0]) and np.array_equal(one[1:], two[1:])


def test_one_of_several_fields_is_enough_and_without_any_the_task_is_not_asked(data):
    one = replace(data, fields={"t2w": data.fields["t2w"]}, field_keys={"t2w": "0" * 64})
    assert not_applicable(TASK, DDPM, data) is None and not_applicable(TASK, DDPM, one) is None
    assert not_applicable(TASK, DDPM, toy_data()) == "the data have none of the fields t1w, t2w"
    assert wanted(TASK, DDPM) == ("t1w", "t2w") and needed(TASK, DDPM) == ()
    assert field_keys(TASK, one) == {"t2w": "0" * 64}, "the key says which there were"


def test_a_ceiling_says_what_the_data_lack(data):
    assert not_applicable(TASK, CEILING, data) == "the data have no field clean"
    assert not_applicable(TASK, CEILING, with_fields(toy_data(), ("t1w", "clean"))) is None


def test_what_is_measured_of_fields_is_not_tried_before_the_data_are_there():
    check_problems([TASK], 16, [Modality("organ", "Organ", "", phantom=None)])
