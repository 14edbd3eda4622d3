"""The task on phantoms of the brain: ceiling, levels, choice of settings, samples and pictures."""

from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
import torch
from mribench_paired import baselines, contrasts, metrics
from mribench_paired.translation import PROBLEM, SAMPLES, TRANSLATION, draw, produce, score

from mribench.metrics.images import foreground
from mribench.spec import Examples, Prepared, Solver, Split

SIDE, SLICES = 32, 2
MODALITY = next(iter(entry_points(group="mribench.modalities", name="brain"))).load()
FIELDS = {field.name: field for field in MODALITY.fields if field.name in ("t2w", "flair", "clean")}
NAMED = {point.name: point for point in entry_points(group="mribench.metrics")}
METRICS = {name: NAMED[name].load() for name in TRANSLATION.metrics}


def stored(image):
    return np.rint(image * 255).astype(np.uint8)


def drawn(first, n):
    address = [(subject, slice) for subject in range(first, first + n) for slice in range(SLICES)]
    images = [MODALITY.phantom(0, *one, SIDE).image for one in address]
    found = [MODALITY.draw_fields(0, *one, SIDE, tuple(FIELDS)) for one in address]
    fields = {name: stored(np.stack([one[name] for one in found])) for name in FIELDS}
    return Split(stored(np.stack(images)), tuple(f"s{subject:02d}" for subject, _ in address), fields=fields)


@pytest.fixture(scope="module")
def data():
    splits = drawn(0, 12), drawn(12, 3), drawn(15, 6)
    return Prepared(Path(), "0" * 64, "phantom", "phantom", *splits, modality="brain", fields=FIELDS)


class Asking:
    """``mribench.spec.Answers``, as far as the task asks."""

    problem = PROBLEM

    def __init__(self, solver, data):
        self.solver, self.data = solver, data

    def answer(self, level, images, seed, sample=0, setting=None):
        train = contrasts.channels(self.data.train) / np.float32(255)
        examples = Examples(train, None, None, 0, torch.device("cpu"), level)
        known = self.solver.fit(examples) if self.solver.fit else sample
        m = contrasts.shown(torch.from_numpy(images / np.float32(255)), level, None)
        return self.solver.solve(known, m, None, **(setting or {}))[:, 0].numpy().clip(0, 1)

    adjoint = measured = residual = answer


def scored(solver, data):
    outputs = produce(Asking(solver, data), data, None, 0)
    found = score(outputs, data, None, METRICS, None, 0)
    return {(one.metric, one.level): one for one in found}, outputs


def test_the_signal_equation_leaves_the_noise_and_nothing_else(data):
    """Its root mean square error is 1 / SNR of the scanner, grey 1 being the 99.7th percentile of the image."""
    _, outputs = scored(baselines.SIGNAL_EQUATION, data)
    truth = data.test.images[outputs["rows"]] / 255
    inside = foreground(truth)
    for level in (1, 2):
        errors = (outputs[f"answers_{level}"][:, 0] / 255 - truth) ** 2
        for place, row in enumerate(outputs["rows"]):
            snr = MODALITY.phantom(0, 15 + row // SLICES, row % SLICES, SIDE).params["scanner"]["snr"]
            assert np.sqrt(errors[place][inside[place]].mean()) * snr == pytest.approx(1, abs=0.25)


def test_two_contrasts_tell_more_than_one_and_the_ceiling_is_far_above_both(data):
    rows = (
        baselines.TARGET_MEAN,
        baselines.PATCH_REGRESSION,
        baselines.INTENSITY_MAP,
        baselines.SIGNAL_EQUATION,
    )
    found = {one.name: scored(one, data)[0] for one in rows}
    psnr = {name: (of["psnr", 1].value, of["psnr", 2].value) for name, of in found.items()}
    assert psnr["target-mean"][0] == psnr["target-mean"][1] < psnr["intensity-map"][0] - 2
    assert psnr["intensity-map"][0] < psnr["intensity-map"][1] < psnr["signal-equation"][0] - 3
    assert psnr["patch-regression"][0] < psnr["patch-regression"][1]


def test_ten_draws_about_the_truth_are_scored_alone_and_by_their_mean(data):
    """The mean of draws around the truth has a tenth of their squared error; the spread foretells eleven times that."""

    def around(sample, m, draws):
        noise = torch.randn(m.y[:, :1].shape, generator=torch.Generator().manual_seed(sample))
        return 0.5 + 0.05 * noise

    grey = {
        name: replace(part, images=np.full_like(part.images, 127))
        for name, part in (("train", data.train), ("validation", data.validation), ("test", data.test))
    }
    found, outputs = scored(Solver("around", "", "", around), replace(data, **grey))
    assert outputs["answers_1"].shape[1] == SAMPLES == 10
    assert found["psnr_mean", 1].value - found["psnr", 1].value == pytest.approx(10, abs=0.5)
    assert found["overconfidence", 1].value == pytest.approx(-np.log2(11) / 2, abs=0.1)
    assert found["nmae", 1].value == pytest.approx(0.05 * np.sqrt(2 / np.pi) / 0.5, rel=0.05)


def test_one_answer_has_no_spread_and_its_mean_is_itself(data):
    found, outputs = scored(baselines.IDENTITY, data)
    assert found["psnr", 1].value == found["psnr_mean", 1].value
    assert found["overconfidence", 1].value is None and "no spread" in found["overconfidence", 1].reason
    assert (outputs["answers_2"][:, 0] == data.test.fields["t2w"][outputs["rows"]]).all()


def test_a_setting_is_chosen_on_validation_subjects_at_each_level(data):
    """Of shifts by 0 and 0.5 the better one is another on validation and on test subjects."""
    solver = Solver(
        "shift",
        "",
        "",
        lambda _, m, draws, by: m.y[:, :1] * 0 + by,
        needs=(),
        search=({"by": 0.0}, {"by": 0.5}),
        samples=False,
    )
    validation = replace(data.validation, images=np.full_like(data.validation.images, 127))
    test = replace(data.test, images=np.zeros_like(data.test.images))
    outputs = produce(Asking(solver, data), replace(data, validation=validation, test=test), None, 0)
    assert outputs["setting_1"] == [1] and (outputs["answers_1"] == 128).all()


def test_data_with_one_other_contrast_are_asked_at_one_level(data):
    def without(part):
        return replace(part, fields={"t2w": part.fields["t2w"], "clean": part.fields["clean"]})

    less = replace(
        data, train=without(data.train), validation=without(data.validation), test=without(data.test)
    )
    found, outputs = scored(baselines.IDENTITY, less)
    assert outputs["levels"].tolist() == [1] and {level for _, level in found} == {1}


def test_the_picture_shows_what_is_shown_the_answer_and_the_truth(data):
    _, outputs = scored(baselines.IDENTITY, data)
    pictures = draw(outputs, data, None, None, "a caption")
    assert set(pictures) == {"level_1", "level_2"}
    wide = [pictures[f"level_{level}"].shape[1] for level in (1, 2)]
    assert wide[1] > wide[0] and all(one.dtype == np.uint8 for one in pictures.values())


def test_the_new_metrics_are_those_of_the_board():
    assert METRICS["nmae"] == metrics.NMAE and METRICS["ssim_mean"] == metrics.SSIM_MEAN
