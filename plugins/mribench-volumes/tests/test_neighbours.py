"""The task on bars that move from slice to slice: both ends, draws and means, which slices are asked, its picture."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mribench_volumes import metrics, slices, stacks
from mribench_volumes.neighbours import (
    NEIGHBOURS,
    PROBLEM,
    SAMPLES,
    draw,
    energy_scores,
    gaps,
    produce,
    score,
)

from mribench.seeds import torch_generator
from mribench.spec import Examples, Network, Prepared, Solver, Split
from mribench.training.draws import BatchDraws

SIDE, SLICES = 8, 4
METRICS = {one.name: one for one in (metrics.SCORE, metrics.GAP, metrics.SLICE_PSNR)}


def split(name, subjects, seed):
    """Bars that move on by a pixel from slice to slice, to the left or to the right of a subject by chance."""
    rng = np.random.default_rng(seed)
    images, index = [], []
    for _ in range(subjects):
        first, grey, way = rng.integers(0, SIDE), rng.uniform(100, 250), rng.choice([-1, 1])
        for k in rng.permutation(SLICES):
            image = np.zeros((SIDE, SIDE))
            image[:, [(first + way * k + i) % SIDE for i in range(3)]] = grey
            images.append(np.rint(image + rng.uniform(0, 4, image.shape)))
            index.append(k)
    ids = tuple(f"{name}{i // SLICES}" for i in range(subjects * SLICES))
    return Split(np.array(images, np.uint8), ids, fields={"slice": np.array(index, dtype=np.int64)})


@pytest.fixture
def data():
    return Prepared(
        Path(), "0" * 64, "made up", "phantom", *(split(name, n, i) for i, (name, n) in enumerate(PARTS))
    )


PARTS = (("train", 24), ("validation", 2), ("test", 10))


def draws(n, *address):
    return BatchDraws(torch_generator("asked", *address), n, slice(None))


class Asking:
    """``mribench.spec.Answers``, as far as the task asks."""

    problem = PROBLEM

    def __init__(self, solver, data, known=None):
        self.solver, self.known = solver, known
        if solver.fit and known is None:
            train = PROBLEM.images(data.train) / np.float32(255)
            self.known = solver.fit(Examples(train, None, None, 0, torch.device("cpu"), 1.0))

    def answer(self, level, images, seed, sample=0, setting=None):
        m = stacks.shown(torch.from_numpy(images / np.float32(255)), level, None)
        return self.solver.solve(self.known, m, draws(len(images), sample))[:, 0].clamp(0, 1).numpy()

    adjoint = measured = residual = answer


def scored(solver, data, known=None):
    outputs = produce(Asking(solver, data, known), data, None, 0)
    return {one.metric: one for one in score(outputs, data, None, METRICS, None, 0)}, outputs


def test_stacks_are_neighbours_of_one_subject_in_the_order_of_the_volume(data):
    rows = stacks.stack_rows(data.test)
    assert rows.shape == (10 * (SLICES - 2), 3)
    index, subjects = data.test.fields["slice"][rows], np.asarray(data.test.subjects)[rows]
    assert (np.diff(index, axis=1) == 1).all() and (subjects == subjects[:, :1]).all()
    twice = replace(data.test, fields={"slice": np.where(np.arange(40) < 4, 0, data.test.fields["slice"])})
    assert len(stacks.stack_rows(twice)) == 9 * (SLICES - 2), "two volumes in one cannot be told apart"


def test_an_answer_comes_back_as_two_slices():
    both = torch.rand(3, 2, SIDE, SIDE)
    assert np.array_equal(stacks.neighbours_of(stacks.as_answer(both)[:, 0].numpy()), both.numpy())


def test_true_neighbours_are_at_0_and_those_of_others_at_1(data):
    truth, _ = scored(slices.TRUE_SLICES, data)
    assert truth["neighbours_score"].value == truth["neighbours_gap"].value == 0
    assert truth["neighbours_psnr"].value == 100 and truth["neighbours_score"].n == 20
    images = data.test.unit()[stacks.stack_rows(data.test)]
    subjects = np.array([str(i // 2) for i in range(len(images))])
    found = []
    for shift in range(1, len(images)):
        others = np.roll(images[:, None, ::2], shift, axis=0)
        found += gaps(others, images, list(subjects))[np.roll(subjects, shift) != subjects].tolist()
    assert np.mean(found) == pytest.approx(1)


def test_a_repeated_slice_is_too_near_by_all_of_the_true_distance(data):
    found, outputs = scored(slices.REPEATED, data)
    images = data.test.unit()[outputs["rows"]]
    real = stacks.apart(images[:, ::2], images[:, 1:2].repeat(2, axis=1))
    assert found["neighbours_gap"].value < -0.1
    assert found["neighbours_score"].value == pytest.approx(real.mean(), rel=1e-5)


def test_another_subject_is_the_worst(data):
    last = scored(slices.SHUFFLED, data)[0]
    assert 0.3 < last["neighbours_gap"].value < 1.5
    for one in (slices.REPEATED, slices.CLOSEST, slices.TRUE_SLICES):
        assert scored(one, data)[0]["neighbours_score"].value < last["neighbours_score"].value


def test_the_energy_score_is_that_by_hand_and_least_for_the_odds_of_the_truth():
    """Neighbours that are black or white: of truths that are white with odds 3/4."""
    answers = np.zeros((1, 4, 2, SIDE, SIDE))
    answers[:, :1] = 1
    white = np.ones((1, 2, SIDE, SIDE))
    # 3 of 4 draws are off by 1; of 6 pairs of draws 3 are apart by 1
    assert energy_scores(answers, white) == pytest.approx(3 / 4 - 1 / 4)
    assert energy_scores(answers[:, :1], white) == 0
    expected = {}
    for share in range(5):
        answers = (np.arange(4) < share).astype(float)[None, :, None, None, None] * np.ones(
            (1, 4, 2, SIDE, SIDE)
        )
        expected[share] = 0.75 * energy_scores(answers, white) + 0.25 * energy_scores(answers, 0 * white)
    # an unbiased score of finitely many draws also rewards one that is a little too sure
    assert min(expected, key=expected.get) in (3, 4) and expected[0] == max(expected.values())


def test_data_without_stacks_leave_blanks_with_a_reason(data):
    flat = replace(data, train=replace(data.train, subjects=tuple(map(str, range(len(data.train))))))
    found, outputs = scored(slices.REPEATED, flat)
    assert not outputs and not draw(outputs, flat, None, None, "a caption")
    assert all(one.value is None and "at least 4" in one.reason for one in found.values())


def test_slices_that_are_alike_in_all_subjects_have_no_unit():
    images = np.random.default_rng(0).random((1, 3, SIDE, SIDE)).repeat(4, axis=0)
    assert gaps(images[:, None, ::2], images, ["a", "b", "c", "d"]) is None


def test_the_picture_has_seven_columns(data):
    _, outputs = scored(slices.CLOSEST, data)
    picture = draw(outputs, data, None, None, "a caption")["neighbours"]
    assert picture.dtype == np.uint8 and picture.shape[1] >= 2 * 7 * SIDE
    assert NEIGHBOURS.fields == ("slice",)


def by_coin(known, m, draws):
    """The exact answer: the bar moves on by a pixel one way or the other, and each is as likely."""
    ways = torch.where(draws.uniform(1, 1, 1) < 0.5, 1, 0)
    left, right = m.y.roll(-1, 3), m.y.roll(1, 3)
    return stacks.as_answer(
        torch.cat([ways * left + (1 - ways) * right, ways * right + (1 - ways) * left], dim=1)
    )


def by_mean(known, m, draws):
    mean = (m.y.roll(-1, 3) + m.y.roll(1, 3)) / 2
    return stacks.as_answer(mean.expand(-1, 2, -1, -1))


def rule(name, solve, **more):
    return Solver(name, name, "", solve, needs=(), kinds=("neighbours",), **more)


def test_draws_with_the_true_odds_are_as_far_from_their_slice_as_real_ones_and_means_are_nearer(data):
    exact, outputs = scored(rule("coin", by_coin), data)
    mean, _ = scored(rule("mean", by_mean, samples=False), data)
    assert outputs["answers"].shape[1] == SAMPLES == 10
    assert abs(exact["neighbours_gap"].value) < 0.03
    assert mean["neighbours_gap"].value < -0.05
    assert exact["neighbours_score"].value < mean["neighbours_score"].value


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_trained_diffusion_draws_neighbours_as_far_as_real_ones_where_a_network_is_too_near(data):
    profile = SimpleNamespace(
        size=SIDE, network=Network(channels=(16, 16), layers_per_block=1), total_steps=lambda n: 300, coarse_steps=0,
        precision="fp32", grad_clip=1.0, batch_size=32, lr=3e-3, warmup_steps=20,
    )  # fmt: skip
    images = PROBLEM.images(split("train", 150, 3)) / np.float32(255)

    def batches(steps, size):
        for step in range(steps):
            rows = np.random.default_rng(step).integers(len(images), size=size)
            x = torch.from_numpy(images[rows])
            yield x, stacks.shown(x, 1.0, None), draws(size, "fit", step)

    found = {}
    for solver in (slices.DIFFUSION, slices.UNET):
        known = solver.fit(Examples(images, batches, profile, 0, torch.device("cpu"), 1.0))
        with torch.no_grad():
            found[solver.name] = scored(solver, data, known)[0]
    by_diffusion, by_network = found["neighbour-diffusion"], found["neighbour-unet"]
    # exact draws have 0, and their mean -0.81
    assert abs(by_diffusion["neighbours_gap"].value) < 0.35
    assert by_network["neighbours_gap"].value < -0.6
    assert by_diffusion["neighbours_score"].value < by_network["neighbours_score"].value - 0.05
