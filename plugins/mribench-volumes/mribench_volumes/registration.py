"""Where was the tissue of a contracted heart when the heart was filled? Displacements between two images of a slice.

Every test image is asked. Solvers are shown the two images alone, in training too; the true motion and the label maps
only score what they answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from mribench_downstream import dice

from mribench.figures import captioned_columns, evenly_spaced
from mribench.metrics.paired import PSNR
from mribench.spec import Answers, Metric, Model, Prepared, Problem, Profile, Score, Split, Task
from mribench.tasks import equal_by_subject, to_uint8
from mribench.tasks.scores import blank_score, mean_score
from mribench_volumes import motion
from mribench_volumes.classical import DEMONS, NO_MOTION, TRUE_MOTION, TVL1
from mribench_volumes.motion import FIXED, FIXED_LABELS, KIND, MOVING, MOVING_LABELS, TRUTH

LEVEL = 1.0  # there is one question only
VALIDATION_IMAGES = 16
ROWS = 8  # of a picture


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """``displacement`` float32 (n, 2, H, W) of every test image, and ``setting`` int64 (1,), the place in
    ``Solver.search``, -1 without one."""
    assert isinstance(model, Answers)  # the runner gives a solver to a task that poses a problem
    setting = chosen(model, data.validation, seed)
    rows = np.arange(len(data.test))
    found = answered(model, data.test, rows, seed, setting).astype(np.float32)
    return {"displacement": found, "setting": np.array([setting])}


def chosen(model: Answers, validation: Split, seed: int) -> int:
    """Place in ``Solver.search`` of the setting with the least error on validation subjects; -1: none."""
    settings = range(len(model.solver.search))
    if len(settings) < 2:
        return len(settings) - 1
    rows = equal_by_subject(validation.subjects, min(VALIDATION_IMAGES, len(validation)), KIND)
    found = (answered(model, validation, rows, seed, setting) for setting in settings)
    return int(np.argmin([np.nanmean(errors(one, validation, rows)) for one in found]))


def answered(model: Answers, split: Split, rows: np.ndarray, seed: int, setting: int) -> np.ndarray:
    """Displacements (n, 2, H, W) in pixels. Those of the ceiling are the truth, which no solver is shown."""
    if model.solver.name == TRUE_MOTION.name:
        return np.asarray(split.fields[TRUTH][rows], dtype=np.float64)
    taken = model.solver.search[setting] if setting >= 0 else {}
    return motion.displacement_of(model.answer(LEVEL, motion.channels(split)[rows], seed, setting=taken))


def errors(found: np.ndarray, split: Split, rows: np.ndarray, moving: bool = True) -> np.ndarray:
    """Mean end-point error over the pixels whose tissue moves, or over all others: float64 (n,), NaN without any."""
    truth = np.asarray(split.fields[TRUTH][rows], dtype=np.float64)
    return motion.error(found, truth, (truth != 0).any(1) == moving)


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
) -> list[Score]:
    """Every metric: mean over test subjects with a 95 % interval over them; no error where no tissue moves."""
    test, found = data.test, outputs["displacement"].astype(np.float64)
    fixed, moving = (np.asarray(test.fields[name]) / 255 for name in (FIXED, MOVING))
    every, rows = test.subjects, np.arange(len(test))
    overlaps, names = _overlaps(found, test, len(data.fields[FIXED_LABELS].names))
    # values, subjects of each, and images that entered
    values: dict[str, tuple[np.ndarray, Sequence[str], int]] = {
        "registration_error": _known(errors(found, test, rows), every),
        "registration_still": _known(errors(found, test, rows, moving=False), every),
        "registration_dice": (overlaps, names, len(test) if names else 0),
        "registration_folding": (motion.folded(found), every, len(test)),
        "registration_psnr": (PSNR.compute(motion.warped(moving, found), fixed), every, len(test)),
    }
    made = []
    for name, metric in metrics.items():
        if name not in values:
            made.append(blank_score(metric, "it is no score of a displacement", every))
            continue
        numbers, subjects, n = values[name]
        blank = blank_score(metric, "no test image shows what is asked", every)
        made.append(mean_score(metric, numbers, subjects, n=n) if n else blank)
    return made


def _known(values: np.ndarray, subjects: Sequence[str]) -> tuple[np.ndarray, list[str], int]:
    """Without the images of NaN."""
    rows = np.flatnonzero(np.isfinite(values))
    return values[rows], [subjects[row] for row in rows], len(rows)


def _overlaps(found: np.ndarray, test: Split, classes: int) -> tuple[np.ndarray, list[str]]:
    """Dice after the motion, a mean over the structures of a subject, float64 (s,), and the s subjects with any."""
    maps = motion.warped_labels(np.asarray(test.fields[MOVING_LABELS]), found, classes)
    values = dice.by_subject(maps, np.asarray(test.fields[FIXED_LABELS]), test.subjects, classes)
    has_some = np.isfinite(values).any(1)
    names = [name for name, one in zip(sorted(set(test.subjects)), has_some, strict=True) if one]
    return np.nanmean(values[has_some], axis=1), names


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """Rows of test images: both times, the filled heart warped to the contracted one, differences before and after.

    Then the length of the displacement that was found and of the true one, white at the longest true one.
    """
    rows, test = evenly_spaced(len(data.test), ROWS), data.test
    found = outputs["displacement"][rows]
    fixed, moving = (np.asarray(test.fields[name])[rows] for name in (FIXED, MOVING))
    truth = np.asarray(test.fields[TRUTH])[rows]
    warped = motion.warped(moving / 255, found)
    longest = max(float(np.linalg.norm(truth, axis=1).max()), 1e-6)
    lengths = [to_uint8(np.linalg.norm(one, axis=1).clip(0, longest) / longest) for one in (found, truth)]
    columns = {
        "end-diastole": moving,
        "end-systole": fixed,
        "warped": to_uint8(warped),
        "difference before": to_uint8(abs(moving / 255 - fixed / 255)),
        "after": to_uint8(abs(warped - fixed / 255)),
        "motion": lengths[0],
        "true motion": lengths[1],
    }
    return {"registration": captioned_columns(columns, caption)}


PROBLEM = Problem(
    name="registration",
    title="registration of end-diastole to end-systole",
    measure=motion.shown,
    levels=(LEVEL,),
    level_name="",
    kind=KIND,
    track="registration",
    restores=False,
    controls=tuple(one.name for one in (NO_MOTION, TVL1, DEMONS, TRUE_MOTION)),
    images=motion.channels,
)
REGISTRATION = Task(
    name=PROBLEM.name,
    title=PROBLEM.title,
    version=PROBLEM.version,
    metrics=(
        "registration_error",
        "registration_still",
        "registration_dice",
        "registration_folding",
        "registration_psnr",
    ),
    produce=produce,
    score=score,
    draw=draw,
    primary="registration_error",
    fields=(FIXED, MOVING, FIXED_LABELS, MOVING_LABELS, TRUTH),
    track=PROBLEM.track,
    problem=PROBLEM,
)
