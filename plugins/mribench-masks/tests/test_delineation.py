"""The task on blobs: both ends of the board, draws around the truth, which images are asked, and its picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mribench_masks import baselines, delineation, metrics
from mribench_masks.delineation import DELINEATION, PROBLEM, SAMPLES, draw, produce, score
from mribench_masks.label_maps import as_answer, labels_of

from mribench.seeds import torch_generator
from mribench.spec import NOT_ANNOTATED, Examples, Field, Prepared, Solver, Split
from mribench.training.draws import BatchDraws

SIDE, SLICES = 16, 4
METRICS = {
    one.name: one
    for one in (metrics.DICE, metrics.DICE_DRAW, metrics.HD95, metrics.GED, metrics.OVERCONFIDENCE)
}


def split(name, subjects, seed):
    """Discs with a bright core, somewhere; no structure in the last image of a subject."""
    rng = np.random.default_rng(seed)
    n = subjects * SLICES
    y, x = np.mgrid[:SIDE, :SIDE]
    at = rng.uniform(5, 10, (n, 2, 1, 1))
    far = np.hypot(y - at[:, 0], x - at[:, 1])
    far[SLICES - 1 :: SLICES] = 99
    labels = (far < 4.5).astype(np.uint8) + (far < 2)
    images = (60 + 80 * labels + rng.normal(0, 8, labels.shape)).astype(np.uint8)
    ids = tuple(f"{name}{i // SLICES}" for i in range(n))
    return Split(images, ids, fields={"labels": labels})


@pytest.fixture
def data():
    parts = split("train", 8, 0), split("validation", 2, 1), split("test", 6, 2)
    meaning = {"labels": Field("labels", "labels", ("background", "disc", "core"))}
    return Prepared(Path(), "0" * 64, "made up", "phantom", *parts, fields=meaning)


def shown(channels):
    return delineation.shown(torch.from_numpy(channels / np.float32(255)), 1, None)


def random(n, *address):
    return BatchDraws(torch_generator("asked", *address), n, slice(None))


class Asking:
    """``mribench.spec.Answers``, as far as the task asks."""

    problem = PROBLEM

    def __init__(self, solver, data):
        self.solver = solver
        train = PROBLEM.images(data.train) / np.float32(255)
        examples = Examples(train, None, None, 0, torch.device("cpu"), 1.0)
        self.known = solver.fit(examples) if solver.fit else None

    def answer(self, level, images, seed, sample=0, setting=None):
        draws = random(len(images), sample)
        return self.solver.solve(self.known, shown(images), draws, **(setting or {}))[:, 0].numpy()

    adjoint = measured = residual = answer


def scored(solver, data):
    outputs = produce(Asking(solver, data), data, None, 0)
    return {one.metric: one for one in score(outputs, data, None, METRICS, None, 0)}, outputs


def rule(name, solve, **more):
    return Solver(name, name, "", solve, needs=(), kinds=("delineation",), **more)


def test_the_truth_has_a_dice_of_1_and_no_distance_to_itself(data):
    found, _ = scored(baselines.TRUTH, data)
    assert [found[name].value for name in DELINEATION.metrics] == [1, 1, 0, 0, 0]
    assert all(one.n == 12 and one.subjects == 6 for one in found.values())


def test_an_answer_that_ignores_the_image_is_behind_all_that_see_it(data):
    dice = {}
    for one in (baselines.MAJORITY, baselines.OTSU, baselines.ATLAS, baselines.TRUTH):
        dice[one.name] = scored(one, data)[0]["delineation_dice"].value
    assert dice["label-majority"] < min(dice["multi-otsu"], dice["probabilistic-atlas"]) - 0.2
    assert max(dice.values()) == dice["true-labels"]


def test_grey_values_that_tell_all_are_all_that_the_baselines_need(data):
    """Without noise every grey value has one label."""

    def clean(part):
        return replace(part, images=(60 + 80 * part.fields["labels"]).astype(np.uint8))

    data = replace(data, train=clean(data.train), validation=clean(data.validation), test=clean(data.test))
    for one in (baselines.OTSU, baselines.ATLAS):
        assert scored(one, data)[0]["delineation_dice"].value == 1


def test_the_majority_of_draws_is_better_than_one_and_their_spread_foretells_the_error(data):
    """Draws with one label in five at random about a map, whose truth is such a draw too."""

    def noisy(_, m, draws):
        labels = (m.y[:, 0] > 0.35).long() + (m.y[:, 0] > 0.67)
        return as_answer(torch.where(draws.uniform(*m.shape) < 0.2, draws.integers(3, *m.shape), labels))

    def as_drawn(part):
        maps = labels_of(noisy(None, shown(delineation.channels(part)), random(len(part), "truth")))
        return replace(part, fields={"labels": maps.numpy().astype(np.uint8)})

    data = replace(data, test=as_drawn(split("test", 20, 5)))
    found, outputs = scored(rule("noisy", noisy), data)
    assert outputs["answers"].shape[1] == SAMPLES == 10
    assert found["delineation_dice"].value > found["delineation_dice_draw"].value + 0.05
    assert found["delineation_overconfidence"].low < 0 < found["delineation_overconfidence"].high
    alone, _ = scored(rule("one", noisy, samples=False), data)
    assert alone["delineation_overconfidence"].low > 0.1
    assert alone["delineation_ged"].value > found["delineation_ged"].value + 0.1


def test_two_images_of_a_subject_are_asked_and_none_without_a_structure(data):
    _, outputs = scored(baselines.TRUTH, data)
    rows = outputs["rows"]
    assert np.bincount(rows // SLICES).tolist() == [2] * 6
    assert data.test.fields["labels"][rows].any((1, 2)).all()


def test_what_nobody_has_drawn_is_neither_learned_from_nor_scored(data):
    def half(part):
        maps = part.fields["labels"].copy()
        maps[:, :, SIDE // 2 :] = NOT_ANNOTATED
        maps[1::SLICES] = NOT_ANNOTATED
        return replace(part, fields={"labels": maps})

    data = replace(data, train=half(data.train), validation=half(data.validation), test=half(data.test))
    assert len(PROBLEM.images(data.train)) == 3 * 8, "images without any label are left out"
    wrong = data.test.fields["labels"].copy()
    wrong[wrong == NOT_ANNOTATED] = 1
    rows = delineation.asked(data.test)
    outputs = {"rows": rows, "answers": wrong[rows][:, None]}
    found = {one.metric: one.value for one in score(outputs, data, None, METRICS, None, 0)}
    assert found["delineation_dice"] == 1 and found["delineation_ged"] == 0


def test_a_setting_is_chosen_by_the_dice_of_validation_subjects(data):
    """Of two thresholds the better one is another on validation and on test subjects."""
    solver = rule(
        "threshold",
        lambda _, m, draws, at: as_answer((m.y[:, 0] > at).long()),
        search=({"at": 0.35}, {"at": 2.0}),
        samples=False,
    )
    _, outputs = scored(solver, data)
    assert outputs["setting"] == [0] and outputs["answers"].any()
    empty = replace(data.validation, images=255 - data.validation.images)
    _, outputs = scored(replace(solver, search=({"at": 2.0}, {"at": -1.0})), replace(data, validation=empty))
    assert outputs["setting"] == [1]


def test_too_few_labelled_subjects_leave_blanks_with_a_reason(data):
    few = replace(data, train=split("train", 3, 0))
    found, outputs = scored(baselines.MAJORITY, few)
    assert not outputs and not draw(outputs, few, None, None, "a caption")
    assert all(one.value is None and "at least 4" in one.reason for one in found.values())


def test_a_metric_of_grey_values_that_a_run_adds_is_blank_with_a_reason(data):
    outputs = produce(Asking(baselines.TRUTH, data), data, None, 0)
    (found,) = score(outputs, data, None, {"psnr": replace(metrics.DICE, name="psnr")}, None, 0)
    assert found.value is None and found.reason == "it is no score of label maps"


def test_the_picture_shows_where_draws_differ(data):
    by_draw = rule("by draw", lambda _, m, draws: as_answer(draws.integers(3, *m.shape)))
    _, outputs = scored(by_draw, data)
    many = draw(outputs, data, None, None, "a caption")["label_maps"]
    _, outputs = scored(baselines.MAJORITY, data)
    one = draw(outputs, data, None, None, "a caption")["label_maps"]
    assert many.dtype == np.uint8 and many.shape[1] > one.shape[1]
