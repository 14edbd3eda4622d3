"""Inverse problems of images with a lesion: does it come through, and do others appear?

The images are those of test subjects with a phantom's lesion, at most two of a subject and only those in which it is
large and clear enough to be seen in the image itself (``metrics.lesions.is_visible``), and their healthy twins. Priors,
comparators and settings are those of the problem on images without lesions: none of them has seen one. One answer is
taken to each measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mribench.audit.losses import equal_by_subject
from mribench.features import Extractor
from mribench.figures import captioned_columns, evenly_spaced
from mribench.metrics.lesions import REASON, is_visible
from mribench.spec import Metric, Model, Prepared, Problem, Profile, Score, Split, Task
from mribench.spec.metric import Pairs
from mribench.spec.problem import Answers
from mribench.tasks import to_uint8
from mribench.tasks.inverse import OF_A_SUBJECT, ROWS, best_setting, inverse_task
from mribench.tasks.scores import blank_score, computed_score

METRICS = ("contrast_error", "contrast_gap", "lesions_found", "false_lesions", "psnr_lesion", "psnr")
FIELDS = ("abnormal", "healthy", "lesion")


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """What was asked and what was answered; nothing where no lesion can be seen.

    ``rows`` int64 (n,), which test images, and ``levels`` float64. For each level ``answers_LEVEL`` to the images with
    the lesion, ``twins_LEVEL`` to their healthy twins, and ``adjoint_LEVEL``, A* y to look at, uint8 (n, H, W), and
    ``setting_LEVEL`` int64 (1,), the place in ``Solver.search``, -1 without one.
    """
    assert isinstance(model, Answers)  # the runner gives a solver to a task that poses a problem
    rows = _asked(data.test)
    if not len(rows):
        return {}
    asked, twins = (np.asarray(data.test.fields[name])[rows] for name in ("abnormal", "healthy"))
    outputs = {"rows": rows, "levels": np.array(model.problem.levels, dtype=float)}
    for level in model.problem.levels:
        best = best_setting(model, level, data.validation, seed)
        setting = model.solver.search[best] if best >= 0 else {}
        answer = model.answer(level, asked, seed, setting=setting)
        of_twin = model.answer(level, twins, seed, setting=setting, like=asked)
        outputs[f"answers_{level:g}"] = to_uint8(answer)
        outputs[f"twins_{level:g}"] = to_uint8(of_twin)
        outputs[f"adjoint_{level:g}"] = to_uint8(model.adjoint(level, asked, seed))
        outputs[f"setting_{level:g}"] = np.array([best])
    return outputs


def _asked(test: Split) -> np.ndarray:
    """Images whose lesion can be seen, int64 (n,): at most two of a subject."""
    seen = np.flatnonzero(is_visible(*_with_twin_and_mask(test, np.arange(len(test)))))
    subjects = [test.subjects[row] for row in seen]
    return seen[equal_by_subject(subjects, OF_A_SUBJECT * len(set(subjects)), "lesions")]


def _with_twin_and_mask(test: Split, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images with the lesion and without, float32 (n, H, W) in [0, 1], and its mask, bool (n, H, W)."""
    image, twin, mask = (np.asarray(test.fields[name])[rows] for name in FIELDS)
    return image.astype(np.float32) / 255, twin.astype(np.float32) / 255, mask == 1


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Extractor,
    seed: int,
) -> list[Score]:
    """Every metric at every level: mean over subjects with a lesion, 95 % interval over them."""
    if not outputs:
        return [blank_score(metric, REASON, data.test.subjects) for metric in metrics.values()]
    rows = outputs["rows"]
    image, twin, lesion = _with_twin_and_mask(data.test, rows)
    subjects, scores = [data.test.subjects[row] for row in rows], []
    for level in outputs["levels"].tolist():
        answer, of_twin = (
            outputs[f"{name}_{level:g}"].astype(np.float32) / 255 for name in ("answers", "twins")
        )
        pairs = Pairs(answer, of_twin, image, twin, lesion)
        for metric in metrics.values():
            arguments = (pairs,) if metric.kind == "lesion" else (answer, image)
            scores.append(computed_score(metric, arguments, subjects, level))
    return scores


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """For each level rows of images: with the lesion, its mask, A* y, the answer, that to the healthy twin, and how
    the two answers differ around middle grey."""
    if not outputs:
        return {}
    some = evenly_spaced(len(outputs["rows"]), ROWS)
    image, _, mask = (np.asarray(data.test.fields[name])[outputs["rows"][some]] for name in FIELDS)
    pictures = {}
    for level in outputs["levels"].tolist():
        answer, of_twin = (outputs[f"{name}_{level:g}"][some].astype(int) for name in ("answers", "twins"))
        columns = {
            "with lesion": image,
            "lesion": 255 * (mask == 1),
            "A* y": outputs[f"adjoint_{level:g}"][some],
            "answer": answer,
            "of healthy twin": of_twin,
            "difference": np.clip(128 + answer - of_twin, 0, 255),
        }
        pictures[f"level_{level:g}"] = captioned_columns(columns, f"{caption}, level {level:g}")
    return pictures


def lesion_task(problem: Problem, metrics: tuple[str, ...] = METRICS) -> Task:
    """The task that poses a problem of images with a lesion, otherwise as ``inverse_task``.

    It is asked of data with the fields ``abnormal``, ``healthy`` and ``lesion`` (``mribench.spec.Field``).
    """
    asked = inverse_task(problem, metrics)
    return replace(asked, produce=produce, score=score, draw=draw, primary="contrast_error", fields=FIELDS)
