"""Inverse problems as tasks: measure held-out images, let a solver find them again, compare pairwise.

At most two images of a test subject are asked. Of a solver that draws samples four are taken: scores are of the first,
and ``psnr_mean`` is of their mean. Of K draws of the posterior that has (1 + 1 / K) / 2 of the squared error of one.
A solver's settings are tried on validation subjects at each level, all on half of the images and the best two on the
others too; the best by PSNR is taken, and its place in ``Solver.search`` is kept among the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mribench.audit.losses import equal_by_subject
from mribench.features import Extractor
from mribench.figures import captioned_columns, evenly_spaced
from mribench.metrics.paired import psnr
from mribench.metrics.uncertainty import subject_means
from mribench.spec import Metric, Model, Prepared, Problem, Profile, Score, Split, Task
from mribench.spec.problem import Answers
from mribench.tasks import to_uint8
from mribench.tasks.scores import answers_score

OF_A_SUBJECT = 2  # images
VALIDATION_IMAGES = 16
FINALISTS = 2  # settings, which are tried on all of them; the others on half
# raised when questions are asked in another way; to the version of every problem
VERSION = 1
SAMPLES = 4
ROWS, BRIGHTER = 8, 4  # of a picture
METRICS = (
    *("psnr", "ssim", "nmse", "psnr_fg", "ssim_fg", "nmse_fg", "psnr_mean"),
    *("overconfidence", "coverage_gap_90", "coverage_gap_50", "sharpness", "residual"),
)


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """What was asked and what was answered.

    ``rows`` int64 (n,), which test images, and ``levels`` float64. For each level ``answers_LEVEL`` uint8
    (n, samples, H, W), ``residual_LEVEL`` float32 (n, samples), as ``Answers.residual``, ``measured_LEVEL`` and
    ``adjoint_LEVEL`` uint8 (n, H, W), y and A* y to look at, and ``setting_LEVEL`` int64 (1,), the place in
    ``Solver.search``, -1 without one.
    """
    assert isinstance(model, Answers)  # the runner gives a solver to a task that poses a problem
    rows = _asked(data.test)
    asked = data.test.images[rows]
    outputs = {"rows": rows, "levels": np.array(model.problem.levels, dtype=float)}
    for level in model.problem.levels:
        best = best_setting(model, level, data.validation, seed)
        setting = model.solver.search[best] if best >= 0 else {}
        samples = range(SAMPLES if model.solver.samples else 1)
        answers = [model.answer(level, asked, seed, sample=sample, setting=setting) for sample in samples]
        stored = to_uint8(np.stack(answers, axis=1))
        residuals = [model.residual(level, asked, stored[:, k] / 255, seed) for k in samples]
        outputs[f"answers_{level:g}"] = stored
        outputs[f"residual_{level:g}"] = np.stack(residuals, axis=1)
        outputs[f"measured_{level:g}"] = to_uint8(model.measured(level, asked, seed))
        outputs[f"adjoint_{level:g}"] = to_uint8(model.adjoint(level, asked, seed))
        outputs[f"setting_{level:g}"] = np.array([best])
    return outputs


def best_setting(model: Answers, level: float, validation: Split, seed: int) -> int:
    """Place in ``Solver.search`` of the setting with the highest PSNR, a mean over validation subjects; -1: none.

    Successive halving in one cut (Jamieson & Talwalkar 2016, arXiv 1502.07943): of eight settings it asks five eighths
    of what trying all on all images would.
    """
    search = model.solver.search
    if len(search) < 2:
        return len(search) - 1
    # the first half is of as many subjects as there are images in it, where there are as many
    rows, first = (_asked(validation, n) for n in (VALIDATION_IMAGES, VALIDATION_IMAGES // 2))
    later = np.setdiff1d(rows, first)

    def qualities(places: Sequence[int], of: np.ndarray) -> dict[int, np.ndarray]:
        asked = validation.images[of]
        truth = asked.astype(np.float32) / 255
        return {
            place: psnr(model.answer(level, asked, seed, sample=0, setting=search[place]), truth)
            for place in places
        }

    def ranked(found: Mapping[int, np.ndarray], of: np.ndarray) -> list[int]:
        subjects = [validation.subjects[row] for row in of]
        return sorted(found, key=lambda place: -np.mean(subject_means(found[place], subjects)[1]))

    found = qualities(range(len(search)), first)
    best = ranked(found, first)[:FINALISTS]
    if len(later):
        more = qualities(best, later)
        found = {place: np.concatenate([found[place], more[place]]) for place in best}
        best = ranked(found, np.concatenate([first, later]))
    return best[0]


def asked_rows(test: Split) -> np.ndarray:
    """Which images of a split are asked, int64 (n,): at most two of a subject."""
    return _asked(test)


def _asked(split: Split, limit: int | None = None) -> np.ndarray:
    most = OF_A_SUBJECT * split.n_subjects
    return equal_by_subject(split.subjects, min(most, limit or most), "inverse")


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Extractor,
    seed: int,
) -> list[Score]:
    """Every metric at every level: mean over subjects, 95 % interval over subjects."""
    rows = outputs["rows"]
    truth, subjects = (
        data.test.images[rows].astype(np.float32) / 255,
        [data.test.subjects[row] for row in rows],
    )
    scores = []
    for level in outputs["levels"].tolist():
        answers, residuals = (
            outputs[f"answers_{level:g}"].astype(np.float32) / 255,
            outputs[f"residual_{level:g}"],
        )
        scores += [
            answers_score(metric, answers, truth, subjects, level, residuals) for metric in metrics.values()
        ]
    return scores


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """For each level rows of held-out images: y, A* y, the answer, the truth, and maps of error and spread.

    The spread is the standard deviation of several answers to one measurement: were it right, it would look like the
    error.
    """
    pictures = {}
    rows = evenly_spaced(len(outputs["rows"]), ROWS)
    truth = data.test.images[outputs["rows"][rows]]
    for level in outputs["levels"].tolist():
        answers = outputs[f"answers_{level:g}"][rows]
        columns = {
            "measured": outputs[f"measured_{level:g}"][rows],
            "A* y": outputs[f"adjoint_{level:g}"][rows],
            "answer": answers[:, 0],
            "truth": truth,
            f"error x {BRIGHTER}": _brightened(np.abs(answers[:, 0].astype(int) - truth)),
        }
        if answers.shape[1] > 1:
            columns[f"spread x {BRIGHTER}"] = _brightened(answers.std(axis=1, ddof=1))
        pictures[f"level_{level:g}"] = captioned_columns(columns, f"{caption}, level {level:g}")
    return pictures


def _brightened(map_: np.ndarray) -> np.ndarray:
    return np.clip(BRIGHTER * map_, 0, 255).astype(np.uint8)


def inverse_task(problem: Problem, metrics: tuple[str, ...] = METRICS) -> Task:
    """The task that poses a problem, whose name and title it has; its version is the problem's plus ``VERSION``."""
    return Task(
        name=problem.name,
        title=problem.title,
        version=problem.version + VERSION,
        metrics=metrics,
        produce=produce,
        score=score,
        draw=draw,
        primary="psnr",
        level_name=problem.level_name,
        needs=("denoiser",),
        fields=problem.fields,
        track=problem.track,
        problem=problem,
    )
