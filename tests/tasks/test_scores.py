"""What the tasks make of their metrics: intervals, blanks with a reason, decibels of a mean."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mribench import profiles
from mribench.errors import Unavailable
from mribench.features import Extractor, lite0, radiomics
from mribench.features.gist import GIST
from mribench.features.hc85 import HC85
from mribench.features.lite0 import LITE0
from mribench.features.radiomics import RADIOMICS
from mribench.features.shape import SHAPE
from mribench.metrics.distribution import kernel_distance, kernel_distance_on_subsets
from mribench.metrics.paired import MAE, MSE
from mribench.metrics.uncertainty import mean_over_subjects, round_for_record, subsamples
from mribench.plugins import lookup
from mribench.runner.runspec import FEATURES
from mribench.spec import Prepared, Score, Split
from mribench.tasks import denoising, generation, scores

SMOKE = profiles.get("smoke")
SPACES = {space.name: space for space in (HC85, GIST, SHAPE)}


def split(name, seed, subjects=8, size=64):
    """Discs in air with Rician noise, three to a subject."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    n = 3 * subjects
    radius, level = rng.uniform(0.2, 0.4, (n, 1, 1)), rng.uniform(0.4, 0.9, (n, 1, 1))
    disc = level * (np.hypot(x - 0.5, y - 0.5) < radius)
    real, imaginary = 0.01 * rng.standard_normal((2, n, size, size))
    images = np.rint(np.hypot(disc + real, imaginary).clip(0, 1) * 255).astype(np.uint8)
    return Split(images, tuple(f"{name}{i // 3}" for i in range(n)))


@pytest.fixture(scope="module")
def data():
    parts = {name: split(name, seed) for seed, name in enumerate(("train", "validation", "test"))}
    return Prepared(Path(), "0" * 64, "made up", "phantom", **parts)


def taken_in(spaces, *names):
    return {name: lookup.load("metrics", name).in_spaces(spaces) for name in names}


def generated(data, *names, images=None):
    outputs = {"images": split("generated", 9).images if images is None else images}
    found = generation.score(outputs, data, SMOKE, taken_in(FEATURES, *names), Extractor(SPACES), 0)
    return {(score.metric, score.space): score for score in found}


@pytest.mark.parametrize(("space", "extra"), [(LITE0, "imagenet"), (RADIOMICS, "radiomics")])
def test_a_space_without_its_package_is_blank_and_says_what_to_install(data, monkeypatch, space, extra):
    monkeypatch.setattr(lite0, "PACKAGE", "no_such_package")
    monkeypatch.setitem(sys.modules, radiomics.PACKAGE, None)
    metrics = taken_in((space.name,), "kd", "coverage")
    images = {"images": split("generated", 9).images}
    found = generation.score(images, data, SMOKE, metrics, Extractor({space.name: space}), 0)
    assert [(score.space, score.value) for score in found] == [(space.name, None)] * 2
    assert all(f"pip install 'mribench[{extra}]'" in score.reason for score in found)


def test_a_metric_without_spaces_of_its_own_is_taken_in_those_of_the_run(data):
    assert set(generated(data, "kd", "histogram")) == {
        ("kd", "hc85-v1"), ("kd", "gist208-v1"), ("kd", "shape156-v1"), ("histogram", None),
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name in generation.METRICS if name not in ("fid", "fd", "fd_inf")])
def test_every_metric_of_generation_has_a_value_in_its_interval(data, name):
    for score in generated(data, name).values():
        assert score.reason is None and score.low <= score.high
        assert np.isfinite([score.value, score.low, score.high]).all()
        assert (score.n, score.n_reference, score.subjects) == (24, 24, 8)


def test_kd_is_taken_between_the_test_subjects(data):
    apart = replace(data, test=Split(data.test.images, tuple(map(str, range(24)))))
    known, unknown = (generated(d, "kd")["kd", "hc85-v1"] for d in (data, apart))
    assert known.value != unknown.value
    sets = [HC85.load()(x.astype(np.float32) / 255) for x in (split("generated", 9).images, data.test.images)]
    train = HC85.load()(data.train.unit())
    subjects = data.test.subjects
    assert known.value == pytest.approx(1e3 * kernel_distance(*sets, train, HC85, subjects), rel=1e-9)
    statistic = kernel_distance_on_subsets(*sets, train, HC85, subjects)
    assert known.subsamples == round_for_record(1e3 * subsamples(statistic, 24, subjects))


def test_kd_of_one_test_subject_is_blank(data):
    one = replace(data, test=Split(data.test.images[:3], data.test.subjects[:3]))
    score = generated(one, "kd")["kd", "hc85-v1"]
    assert score.value is None and "one subject" in score.reason


def test_noise_of_microscopy_is_not_rician(data):
    microscopy = replace(data, is_mri=False)
    score = generated(microscopy, "background_sigma")["background_sigma", None]
    assert score.value is None and "not MRI" in score.reason
    assert generated(microscopy, "background_offset")["background_offset", None].value is not None


def test_what_cannot_be_given_is_blank_with_the_reason(data):
    found = generated(data, "fd", "fd_inf", "precision", images=data.test.images[:4])
    assert {score.value for score in found.values()} == {None}
    assert all("too few" in score.reason for score in found.values())


def test_without_enough_subjects_for_an_interval_the_value_stays(data):
    few = replace(data, test=Split(data.test.images[:9], data.test.subjects[:9]))
    score = generated(few, "coverage")["coverage", "hc85-v1"]
    assert score.value is not None and score.low is score.high is None


def restored(data, noise=0.1):
    rng = np.random.default_rng(0)
    noisy = data.test.images + 255 * noise * rng.standard_normal(data.test.images.shape)
    images = np.rint(noisy.clip(0, 255)).astype(np.uint8)
    return {denoising.level_name(level): images for level in SMOKE.alpha_bars}


def denoised(data, *names):
    found = denoising.score(restored(data), data, SMOKE, taken_in(FEATURES, *names), Extractor({}), 0)
    assert {score.level for score in found} == set(SMOKE.alpha_bars)
    return {score.metric: score for score in found if score.level == SMOKE.alpha_bars[0]}


def test_pooled_decibels_are_those_of_the_mean_error_over_subjects(data):
    pooled = denoised(data, "psnr_pooled")["psnr_pooled"]
    outputs = restored(data)[denoising.level_name(SMOKE.alpha_bars[0])].astype(np.float32) / 255
    errors = MSE.compute(outputs, data.test.unit())
    assert pooled.value == pytest.approx(-10 * np.log10(errors.mean()))
    mse = denoised(data, "mse")["mse"]
    # more error is fewer decibels: the interval turns over
    assert pooled.low == pytest.approx(-10 * np.log10(mse.high))
    assert pooled.low < pooled.value < pooled.high
    assert pooled.value < denoised(data, "psnr")["psnr"].value


def test_every_metric_of_denoising_is_given(data):
    for score in denoised(data, *denoising.METRICS).values():
        assert score.reason is None and score.low <= score.value <= score.high


def test_three_scales_are_blank_on_small_images():
    parts = {name: split(name, seed, size=32) for seed, name in enumerate(("train", "validation", "test"))}
    small = Prepared(Path(), "0" * 64, "made up", "phantom", **parts)
    score = denoised(small, "ms_ssim3")["ms_ssim3"]
    assert score.value is None and "44 pixels" in score.reason


def test_a_mean_score_is_over_subjects_and_keeps_the_number_of_each():
    values, subjects = np.array([9.0, 1, 3, 5]), ["c", "a", "a", "b"]
    found = scores.mean_score(replace(MAE, range=(0, 20)), values, subjects, level=4.0, n_reference=7)
    mean, low, high = mean_over_subjects(values, subjects, (0, 20))
    assert (found.value, found.low, found.high) == (mean, low, high) == (16 / 3, 0, high)
    assert (found.per_subject, found.n, found.subjects) == ((2, 5, 9), 4, 3)
    assert (found.metric, found.level, found.n_reference, found.reason) == ("mae", 4, 7, None)
    assert scores.mean_score(MAE, values, subjects, n=30).n == 30


def test_the_scale_of_a_metric_reaches_value_interval_and_subjects():
    values, subjects = np.array([0.2, 0.4, 0.5]), ["a", "b", "c"]
    plain = scores.mean_score(MAE, values, subjects)
    found = scores.mean_score(replace(MAE, scale=1e3, range=(0, 1e3)), values, subjects)
    of_both = [(one.value, one.low, one.high, *one.per_subject) for one in (found, plain)]
    assert of_both[0] == pytest.approx(np.multiply(of_both[1], 1e3))


def test_several_answers_are_seen_as_the_metric_wants_them():
    answers, truth = np.zeros((3, 2, 4, 4)), np.zeros((3, 4, 4))
    answers[:, 1] = 0.5

    def all_of_them(answers, truth, residuals):
        return answers.mean((1, 2, 3)) + residuals.sum(1)

    posterior = replace(MAE, name="all", kind="posterior", compute=all_of_them)
    subjects, residuals = ["a", "b", "c"], np.ones((3, 2))
    asked = [(MAE, None), (replace(MAE, name="mae_mean"), None), (posterior, None), (posterior, residuals)]
    found = [scores.answers_score(m, answers, truth, subjects, 2.0, r).value for m, r in asked]
    assert found == [0, 0.25, 0.25, 2.25]


def test_what_cannot_be_computed_is_a_blank_that_says_why():
    def not_here(x, y):
        raise Unavailable("the weights are not here")

    found = scores.computed_score(replace(MAE, compute=not_here), (0, 0), ["a", "a", "b"], 3.0)
    assert found == Score("mae", None, 3, 2, level=3.0, reason="the weights are not here")
