"""The task on discs that grow: both ends of the board, classical methods on shifts, what is asked, and its picture."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mribench_volumes import classical, metrics, motion, networks
from mribench_volumes.diffusemorph import DIFFUSEMORPH
from mribench_volumes.registration import PROBLEM, REGISTRATION, draw, produce, score

from mribench.seeds import torch_generator
from mribench.spec import Examples, Field, Network, Prepared, Solver, Split
from mribench.training.draws import BatchDraws

SIDE, SLICES = 32, 2
METRICS = {
    one.name: one for one in (metrics.ERROR, metrics.STILL, metrics.DICE, metrics.FOLDING, metrics.PSNR)
}


def shown_as(part):
    """What of a disc with a soft edge, float (n, H, W), is drawn as grey values."""
    return np.rint(40 + 160 / (1 + np.exp(2 * part))).astype(np.uint8)


def split(name, subjects, seed):
    """Discs of radius R when filled, R / s when contracted, at one place: tissue at x lies at s x when filled."""
    rng, n = np.random.default_rng(seed), subjects * SLICES
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    at = rng.uniform(14, 18, (n, 2, 1, 1))
    stretch, radius = rng.uniform(1.15, 1.35, (n, 1, 1)), rng.uniform(7, 9, (n, 1, 1))
    down, right = y - at[:, 0], x - at[:, 1]
    far = np.hypot(down, right)
    # the surroundings make room within 14 pixels
    scale = np.interp(far / 14, (0, 0.4, 1), (1, 1, 0)) * (stretch - 1)
    known = np.stack([scale * down, scale * right], axis=1).astype(np.float32)
    reached = np.hypot(down + known[:, 0], right + known[:, 1])
    fields = {
        "end-diastole": shown_as(far - radius),
        "end-systole": shown_as(reached - radius),
        "end-diastole-labels": (far < radius).astype(np.uint8),
        "end-systole-labels": (reached < radius).astype(np.uint8),
        "motion": known,
    }
    return Split(fields["end-systole"], tuple(f"{name}{i // SLICES}" for i in range(n)), fields=fields)


@pytest.fixture
def data():
    parts = split("train", 8, 0), split("validation", 2, 1), split("test", 4, 2)
    labels = {
        name: Field(name, "labels", ("background", "disc")) for name in parts[0].fields if "labels" in name
    }
    return Prepared(Path(), "0" * 64, "made up", "phantom", *parts, fields=labels)


class Asking:
    """``mribench.spec.Answers``, as far as the task asks."""

    problem = PROBLEM

    def __init__(self, solver, known=None):
        self.solver, self.known = solver, known

    def answer(self, level, images, seed, sample=0, setting=None):
        m = motion.shown(torch.from_numpy(images / np.float32(255)), level, None)
        return self.solver.solve(self.known, m, None, **(setting or {}))[:, 0].numpy()

    adjoint = measured = residual = answer


def scored(solver, data, known=None):
    outputs = produce(Asking(solver, known), data, None, 0)
    return {one.metric: one for one in score(outputs, data, None, METRICS, None, 0)}, outputs


def test_the_true_motion_has_no_error_and_a_dice_near_1(data):
    found, _ = scored(classical.TRUE_MOTION, data)
    assert found["registration_error"].value == 0 and found["registration_folding"].value == 0
    assert found["registration_still"].value == 0
    assert found["registration_dice"].value > 0.97 and found["registration_psnr"].value > 40
    assert all(one.n == 8 and one.subjects == 4 for one in found.values())


def test_no_motion_errs_by_the_mean_length_of_the_true_one_where_tissue_moves(data):
    found, outputs = scored(classical.NO_MOTION, data)
    assert not outputs["displacement"].any()
    length = np.linalg.norm(data.test.fields["motion"], axis=1)
    by_image = [one[one > 0].mean() for one in length]
    assert found["registration_error"].value == pytest.approx(np.mean(by_image), rel=1e-6)
    assert found["registration_still"].value == 0


def test_a_shift_of_all_tissue_errs_by_its_length_where_tissue_is_still(data):
    def shift(known, m, draws):
        return motion.as_answer(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1).expand(len(m.y), 2, SIDE, SIDE))

    found, _ = scored(Solver("shift", "", "", shift, (), ("registration",), samples=False), data)
    assert found["registration_still"].value == pytest.approx(5, rel=1e-5)


def test_classical_methods_stand_between_both_ends(data):
    least = scored(classical.NO_MOTION, data)[0]
    for one in (classical.TVL1, classical.DEMONS):
        found, _ = scored(one, data)
        assert found["registration_error"].value < 0.75 * least["registration_error"].value
        assert found["registration_dice"].value > least["registration_dice"].value + 0.05
        assert found["registration_psnr"].value > least["registration_psnr"].value + 5


@pytest.mark.parametrize("solver", [classical.TVL1, classical.DEMONS], ids=lambda one: one.name)
def test_a_shift_is_recovered(solver):
    y, x = np.mgrid[:SIDE, :SIDE]

    def texture(down, right):
        return 0.5 + 0.2 * np.sin((y + down) / 2) + 0.2 * np.cos((x + right) / 2.5)

    images = np.stack([texture(0, 0), texture(1.0, -1.5)])[None]
    m = motion.shown(torch.from_numpy(images).float(), 1.0, None)
    # fixed(p) = moving(p + d): the moving image is ahead by (1, -1.5), so that d = -(1, -1.5)
    found = motion.displacement_of(solver.solve(None, m, None)[:, 0].numpy())
    middle = found[:, :, 8:-8, 8:-8]
    assert np.abs(middle - np.array([-1.0, 1.5]).reshape(2, 1, 1)).mean() < 0.15


def test_a_setting_is_chosen_by_the_error_of_validation_subjects(data):
    def shift(known, m, draws, by):
        return motion.as_answer(torch.full((len(m.y), 2, SIDE, SIDE), by))

    solver = Solver(
        "shift", "", "", shift, (), ("registration",), search=({"by": 3.0}, {"by": 0.0}), samples=False
    )
    assert scored(solver, data)[1]["setting"] == [1]
    moved = {**data.validation.fields, "motion": 0 * data.validation.fields["motion"] + 3}
    data = replace(data, validation=replace(data.validation, fields=moved))
    assert scored(solver, data)[1]["setting"] == [0]


def test_solvers_see_the_two_images_alone(data):
    assert PROBLEM.images(data.train).shape == (16, 2, SIDE, SIDE)
    fixed, moving = PROBLEM.images(data.test).swapaxes(0, 1)
    assert (fixed == data.test.fields["end-systole"]).all() and (
        moving == data.test.fields["end-diastole"]
    ).all()


def test_a_subject_without_motion_leaves_a_blank_with_a_reason(data):
    still = replace(data.test, fields={**data.test.fields, "motion": 0 * data.test.fields["motion"]})
    found, _ = scored(classical.NO_MOTION, replace(data, test=still))
    assert found["registration_error"].value is None and "asked" in found["registration_error"].reason
    assert found["registration_dice"].value is not None


def test_the_picture_has_seven_columns(data):
    _, outputs = scored(classical.NO_MOTION, data)
    picture = draw(outputs, data, None, None, "a caption")["registration"]
    assert picture.dtype == np.uint8 and picture.shape[1] >= 2 * 7 * SIDE
    assert REGISTRATION.track == "registration"


@pytest.mark.slow
@pytest.mark.parametrize(
    "solver", [networks.VOXELMORPH, networks.DIFFEOMORPHIC, DIFFUSEMORPH], ids=lambda one: one.name
)
def test_a_network_learns_from_images_alone_how_discs_contract(solver, data):
    """Without a true motion: less than half of the error of no motion on subjects that it has not seen."""
    profile = SimpleNamespace(
        size=SIDE, network=Network(channels=(8, 16), layers_per_block=1), total_steps=lambda n: 100, coarse_steps=0,
        precision="fp32", grad_clip=1.0, batch_size=8, lr=4e-3, warmup_steps=20,
    )  # fmt: skip
    images = PROBLEM.images(split("train", 40, 3)) / np.float32(255)

    def batches(steps, size):
        for step in range(steps):
            rows = np.random.default_rng(step).integers(len(images), size=size)
            draws = BatchDraws(torch_generator("fit", step), size, slice(None))
            x = torch.from_numpy(images[rows])
            yield x, motion.shown(x, 1.0, draws), draws

    known = solver.fit(Examples(images, batches, profile, 0, torch.device("cpu"), 1.0))
    with torch.no_grad():
        found, _ = scored(solver, data, known)
    least, _ = scored(classical.NO_MOTION, data)
    assert found["registration_error"].value < 0.5 * least["registration_error"].value
    assert found["registration_dice"].value > 0.92
