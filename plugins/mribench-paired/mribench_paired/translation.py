"""The image from one or two other contrasts of the same slice.

The image that is sought is the organ's own, so that every prior that was trained on it can answer. At most two images
of a test subject are asked. Of a solver that draws samples ten are taken: scores are of the first and of their mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mribench.figures import captioned_columns
from mribench.metrics.paired import PSNR
from mribench.metrics.uncertainty import subject_means
from mribench.spec import Answers, Metric, Model, Prepared, Problem, Profile, Score, Split, Task
from mribench.tasks import equal_by_subject, to_uint8
from mribench.tasks.scores import answers_score
from mribench_paired.baselines import (
    HISTOGRAM_MATCHING,
    IDENTITY,
    INTENSITY_MAP,
    PATCH_REGRESSION,
    SIGNAL_EQUATION,
    TARGET_MEAN,
)
from mribench_paired.contrasts import CONTRASTS, KIND, LEVELS, channels, shown, shown_contrasts
from mribench_paired.reported import SURVEY

OF_A_SUBJECT = 2  # images
VALIDATION_IMAGES = 16
SAMPLES = 10
ROWS, BRIGHTER = 8, 4  # of a picture


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """What was asked and what was answered.

    ``rows`` int64 (n,), which test images, and ``levels`` float64, as many as the data have contrasts for. For each
    level ``answers_LEVEL`` uint8 (n, samples, H, W), and ``setting_LEVEL`` int64 (1,), the place in ``Solver.search``,
    -1 without one.
    """
    assert isinstance(model, Answers)  # the runner gives a solver to a task that poses a problem
    rows = asked(data.test)
    most = len(shown_contrasts(data.test))
    levels = [level for level in model.problem.levels if level <= most]
    outputs = {"rows": rows, "levels": np.array(levels)}
    for level in levels:
        setting = chosen(model, level, data.validation, seed)
        taken = range(SAMPLES if model.solver.samples else 1)
        answers = [answered(model, level, data.test, rows, seed, setting, sample) for sample in taken]
        outputs[f"answers_{level:g}"] = np.stack(answers, axis=1)
        outputs[f"setting_{level:g}"] = np.array([setting])
    return outputs


def asked(split: Split, limit: int | None = None) -> np.ndarray:
    """Which images of a split are asked, int64 (n,): at most two of a subject."""
    most = OF_A_SUBJECT * split.n_subjects
    return equal_by_subject(split.subjects, min(most, limit or most), KIND)


def chosen(model: Answers, level: float, validation: Split, seed: int) -> int:
    """Place in ``Solver.search`` of the setting with the highest PSNR, a mean over validation subjects; -1: none."""
    settings = range(len(model.solver.search))
    if len(settings) < 2:
        return len(settings) - 1
    rows = asked(validation, VALIDATION_IMAGES)
    truth, subjects = validation.images[rows] / 255, [validation.subjects[row] for row in rows]
    found = []
    for setting in settings:
        psnr = PSNR.compute(answered(model, level, validation, rows, seed, setting) / 255, truth)
        found.append(np.mean(subject_means(psnr, subjects)[1]))
    return int(np.argmax(found))


def answered(
    model: Answers, level: float, split: Split, rows: np.ndarray, seed: int, setting: int, sample: int = 0
) -> np.ndarray:
    """uint8 (n, H, W). That of the ceiling is the image without noise, which no other solver is shown."""
    if model.solver.name == SIGNAL_EQUATION.name:
        return np.asarray(split.fields["clean"])[rows]
    taken = model.solver.search[setting] if setting >= 0 else {}
    return to_uint8(model.answer(level, channels(split)[rows], seed, sample=sample, setting=taken))


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
) -> list[Score]:
    """Every metric at every level: mean over subjects, 95 % interval over subjects."""
    rows = outputs["rows"]
    truth, subjects = data.test.images[rows] / 255, [data.test.subjects[row] for row in rows]
    return [
        # what was shown leaves no residuals: nothing was measured of the image itself
        answers_score(metric, outputs[f"answers_{level:g}"] / 255, truth, subjects, level)
        for level in outputs["levels"].tolist()
        for metric in metrics.values()
    ]


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """For each level rows of held-out images: what is shown, the answer, the truth, and maps of error and spread.

    The spread is the standard deviation of ten answers: were it right, it would look like the error.
    """
    pictures = {}
    places = np.unique(np.linspace(0, len(outputs["rows"]) - 1, ROWS).round().astype(int))
    rows = outputs["rows"][places]
    truth = data.test.images[rows]
    for level in outputs["levels"].tolist():
        answers = outputs[f"answers_{level:g}"][places]
        names = shown_contrasts(data.test)[: int(level)]
        columns = {name: np.asarray(data.test.fields[name])[rows] for name in names}
        columns |= {"answer": answers[:, 0], "truth": truth}
        columns[f"error x {BRIGHTER}"] = _brightened(np.abs(answers[:, 0].astype(int) - truth))
        if answers.shape[1] > 1:
            mean = answers.mean(axis=1)
            columns[f"mean of {answers.shape[1]}"] = np.rint(mean).astype(np.uint8)
            columns[f"its error x {BRIGHTER}"] = _brightened(np.abs(mean - truth))
            columns[f"spread x {BRIGHTER}"] = _brightened(answers.std(axis=1, ddof=1))
        pictures[f"level_{level:g}"] = captioned_columns(columns, caption)
    return pictures


def _brightened(map_: np.ndarray) -> np.ndarray:
    return np.clip(BRIGHTER * map_, 0, 255).astype(np.uint8)


PROBLEM = Problem(
    name="translation",
    title="the image from its other contrasts",
    measure=shown,
    levels=LEVELS,
    level_name="contrasts",
    kind=KIND,
    track="translation",
    restores=False,
    controls=tuple(
        one.name
        for one in (
            IDENTITY,
            HISTOGRAM_MATCHING,
            INTENSITY_MAP,
            PATCH_REGRESSION,
            TARGET_MEAN,
            SIGNAL_EQUATION,
        )
    ),
    images=channels,
)
TRANSLATION = Task(
    name=PROBLEM.name,
    title=PROBLEM.title,
    version=PROBLEM.version,
    metrics=(
        *("psnr", "ssim", "nmae", "psnr_fg", "ssim_fg", "nmae_fg", "mae_fg"),
        *("psnr_mean", "ssim_mean", "nmae_mean"),
        *("overconfidence", "coverage_gap_90", "coverage_gap_50", "sharpness"),
    ),
    produce=produce,
    score=score,
    draw=draw,
    primary="psnr",
    level_name=PROBLEM.level_name,
    needs=("denoiser",),
    any_fields=CONTRASTS,
    track=PROBLEM.track,
    problem=PROBLEM,
    reported=SURVEY,
)
