"""What lies above and below a slice? Both neighbours are drawn together, and must belong to the slice as real ones do.

At most two slices of a test subject are asked, of those that have a neighbour on both sides. Of a solver that draws
samples ten are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mribench.figures import captioned_columns, evenly_spaced
from mribench.metrics.paired import PSNR
from mribench.spec import Answers, Metric, Model, Prepared, Problem, Profile, Score, Split, Task
from mribench.tasks import equal_by_subject, to_uint8
from mribench.tasks.scores import blank_score, mean_score
from mribench_volumes import stacks
from mribench_volumes.slices import CLOSEST, REPEATED, SHUFFLED, TRUE_SLICES
from mribench_volumes.stacks import KIND, SLICE

LEVEL = 1.0  # there is one question only
OF_A_SUBJECT = 2  # slices
GREY_LEVEL = 1 / 255  # by which other subjects must be farther, so that there is a unit
FEWEST = 4  # training subjects with a stack
SAMPLES = 10
ROWS = 8  # of a picture


def why_not(data: Prepared) -> str | None:
    """Why no neighbours can be learned or asked; None where they can."""
    subjects = {data.train.subjects[row] for row in stacks.stack_rows(data.train)[:, 1]}
    if len(subjects) < FEWEST:
        return (
            f"{len(subjects)} training subjects have three slices of one volume, at least {FEWEST} are needed"
        )
    asked_subjects = {data.test.subjects[row] for row in asked(data.test)[:, 1]}
    if len(asked_subjects) < 2:
        return f"{len(asked_subjects)} test subjects have three slices of one volume, at least 2 are needed"
    return None


def asked(test: Split) -> np.ndarray:
    """Rows of the stacks that are asked, int64 (n, 3): at most two of a subject."""
    rows = stacks.stack_rows(test)
    if not len(rows):
        return rows
    subjects = [test.subjects[row] for row in rows[:, 1]]
    return rows[equal_by_subject(subjects, min(len(rows), OF_A_SUBJECT * len(set(subjects))), KIND)]


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """``rows`` int64 (n, 3), as of ``asked``, and ``answers`` uint8 (n, samples, 2, H, W), the slices before and after.

    Nothing where too few subjects have stacks.
    """
    assert isinstance(model, Answers)  # the runner gives a solver to a task that poses a problem
    if why_not(data):
        return {}
    rows = asked(data.test)
    images = data.test.images[rows]
    if model.solver.name == TRUE_SLICES.name:
        return {"rows": rows, "answers": images[:, None, ::2]}
    taken = range(SAMPLES if model.solver.samples else 1)
    found = [to_uint8(model.answer(LEVEL, images, seed, sample=sample)) for sample in taken]
    return {"rows": rows, "answers": np.stack([stacks.neighbours_of(one) for one in found], axis=1)}


def energy_scores(answers: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """E d(S, Y) - E d(S, S') / 2 of draws S and the truth Y, d as ``stacks.apart``: float64 (n,), least for true odds.

    Args:
        answers: (n, K, 2, H, W) in [0, 1]; means are over pairs of different draws, 0 of a single one.
        truth: (n, 2, H, W).
    """
    draws = answers.shape[1]
    to_truth = np.mean([stacks.apart(answers[:, k], truth) for k in range(draws)], axis=0)
    pairs = [(i, j) for i in range(draws) for j in range(i)]
    between = [stacks.apart(answers[:, i], answers[:, j]) for i, j in pairs]
    return to_truth - (np.mean(between, axis=0) / 2 if pairs else 0.0)


def gaps(answers: np.ndarray, images: np.ndarray, subjects: list[str]) -> np.ndarray | None:
    """How much farther the answers are from their slice than the true neighbours are: float64 (n,).

    1 is how much farther slices of other test subjects are, in the mean over all pairs. None where they are no farther.

    Args:
        answers: (n, K, 2, H, W) in [0, 1].
        images: The stacks, (n, 3, H, W) in [0, 1].
        subjects: Ids of the n.
    """
    middle, truth = images[:, 1:2].repeat(2, axis=1), images[:, ::2]
    real = stacks.apart(truth, middle)
    others = [
        stacks.apart(np.roll(truth, shift, axis=0), middle)[_differ(subjects, shift)]
        for shift in range(1, len(subjects))
    ]
    unit = float(np.mean(np.concatenate(others)) - real.mean())
    if unit < GREY_LEVEL:
        return None
    found = np.mean([stacks.apart(answers[:, k], middle) for k in range(answers.shape[1])], axis=0)
    return (found - real) / unit


def _differ(subjects: list[str], shift: int) -> np.ndarray:
    """Where the subject so many places before is another one: bool (n,)."""
    names = np.asarray(subjects)
    return np.roll(names, shift) != names


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
) -> list[Score]:
    """Every metric: mean over test subjects with a 95 % interval over them; blank where too few have stacks."""
    if reason := why_not(data):
        return [blank_score(metric, reason, data.test.subjects) for metric in metrics.values()]
    rows = outputs["rows"]
    subjects = [data.test.subjects[row] for row in rows[:, 1]]
    images, answers = data.test.unit()[rows], outputs["answers"].astype(np.float32) / 255
    sides = [PSNR.compute(answers.mean(1)[:, side], images[:, 2 * side]) for side in (0, 1)]
    values = {
        "neighbours_score": energy_scores(answers, images[:, ::2]),
        "neighbours_gap": gaps(answers, images, subjects),
        "neighbours_psnr": np.mean(sides, axis=0),
    }
    made = []
    for name, metric in metrics.items():
        if name not in values:
            made.append(blank_score(metric, "it is no score of slices", subjects))
            continue
        found = values[name]
        blank = blank_score(metric, "slices of one subject are as far apart as those of two", subjects)
        made.append(blank if found is None else mean_score(metric, found, subjects))
    return made


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """Rows of test slices: the true stack, the first answer before and after the slice, and what it changes."""
    if not outputs:
        return {}
    places = evenly_spaced(len(outputs["rows"]), ROWS)
    images, answers = data.test.images[outputs["rows"][places]], outputs["answers"][places, 0]
    changes = [
        np.abs(side.astype(int) - images[:, 1]).astype(np.uint8) for side in (answers[:, 1], images[:, 2])
    ]
    columns = {
        "before": images[:, 0],
        "slice": images[:, 1],
        "after": images[:, 2],
        "drawn before": answers[:, 0],
        "drawn after": answers[:, 1],
        "change to drawn": changes[0],
        "true change": changes[1],
    }
    return {"neighbours": captioned_columns(columns, caption)}


PROBLEM = Problem(
    name="neighbours",
    title="the slices above and below a slice",
    measure=stacks.shown,
    levels=(LEVEL,),
    level_name="",
    kind=KIND,
    track="neighbours",
    restores=False,
    controls=tuple(one.name for one in (SHUFFLED, REPEATED, CLOSEST, TRUE_SLICES)),
    images=stacks.channels,
)
NEIGHBOURS = Task(
    name=PROBLEM.name,
    title=PROBLEM.title,
    version=PROBLEM.version,
    metrics=("neighbours_score", "neighbours_gap", "neighbours_psnr"),
    produce=produce,
    score=score,
    draw=draw,
    primary="neighbours_score",
    fields=(SLICE,),
    track=PROBLEM.track,
    problem=PROBLEM,
)
