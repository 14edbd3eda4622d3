"""Which structures does an image show? Label maps of held-out subjects, one for each draw.

At most two images of a test subject are asked, of those in which the truth shows a structure. Of a solver that draws
samples ten are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from mribench_downstream import dice, hausdorff
from mribench_downstream.comparing import levels
from mribench_downstream.labelled import FIELD, classes, why_not

from mribench.figures import captioned_columns, evenly_spaced
from mribench.metrics.uncertainty import subject_means
from mribench.spec import (
    NOT_ANNOTATED,
    Answers,
    Metric,
    Model,
    Prepared,
    Problem,
    Profile,
    Score,
    Split,
    Task,
)
from mribench.tasks import equal_by_subject, to_uint8
from mribench.tasks.scores import blank_score, mean_score
from mribench_masks import energy
from mribench_masks.baselines import ATLAS, MAJORITY, OTSU, TRUTH
from mribench_masks.label_maps import KIND, channels, shown, to_learn_from
from mribench_masks.reported import SURVEY

LEVEL = 1.0  # there is one question only
OF_A_SUBJECT = 2  # images
VALIDATION_IMAGES = 16
SAMPLES = 10
ROWS, DRAWS_SHOWN = 8, 3  # of a picture


def produce(model: Model, data: Prepared, profile: Profile, seed: int) -> dict[str, np.ndarray]:
    """What was asked and what was answered; nothing where too few subjects have label maps.

    ``rows`` int64 (n,), which test images, ``answers`` uint8 (n, samples, H, W), label maps, and ``setting`` int64
    (1,), the place in ``Solver.search``, -1 without one.
    """
    assert isinstance(model, Answers)  # the runner gives a solver to a task that poses a problem
    if why_not(data):
        return {}
    rows, n_classes = asked(data.test), classes(data)
    setting = chosen(model, data.validation, n_classes, seed)
    taken = range(SAMPLES if model.solver.samples else 1)
    answers = [answered(model, data.test, rows, n_classes, seed, setting, sample) for sample in taken]
    return {"rows": rows, "answers": np.stack(answers, axis=1), "setting": np.array([setting])}


def asked(split: Split, limit: int | None = None) -> np.ndarray:
    """Which images of a split are asked, int64 (n,): at most two of a subject, with a structure in each."""
    maps = split.fields[FIELD]
    rows = np.flatnonzero(((maps > 0) & (maps != NOT_ANNOTATED)).any((1, 2)))
    subjects = [split.subjects[row] for row in rows]
    most = OF_A_SUBJECT * len(set(subjects))
    return rows[equal_by_subject(subjects, min(most, limit or most), KIND)]


def chosen(model: Answers, validation: Split, n_classes: int, seed: int) -> int:
    """Place in ``Solver.search`` of the setting with the highest Dice of validation subjects; -1: none."""
    settings = range(len(model.solver.search))
    if len(settings) < 2:
        return len(settings) - 1
    rows = asked(validation, VALIDATION_IMAGES)
    if not len(rows):
        return 0
    truth, subjects = validation.fields[FIELD][rows], [validation.subjects[row] for row in rows]
    answers = (answered(model, validation, rows, n_classes, seed, setting) for setting in settings)
    return int(np.argmax([np.nanmean(dice.by_subject(one, truth, subjects, n_classes)) for one in answers]))


def answered(
    model: Answers, split: Split, rows: np.ndarray, n_classes: int, seed: int, setting: int, sample: int = 0
) -> np.ndarray:
    """Label maps, uint8 (n, H, W); what is no label of the data counts as background.

    Those of the ceiling are the truth, which no solver is shown.
    """
    if model.solver.name == TRUTH.name:
        return np.asarray(split.fields[FIELD])[rows]
    taken = model.solver.search[setting] if setting >= 0 else {}
    found = to_uint8(model.answer(LEVEL, channels(split)[rows], seed, sample=sample, setting=taken))
    return np.where(found < n_classes, found, 0).astype(np.uint8)


def majority(answers: np.ndarray, n_classes: int) -> np.ndarray:
    """The most frequent label of each pixel, the smallest of equally frequent ones: uint8 (n, H, W) of (n, K, H, W)."""
    return np.stack([(answers == label).sum(1) for label in range(n_classes)]).argmax(0).astype(np.uint8)


def energies(answers: np.ndarray, truth: np.ndarray, n_classes: int) -> energy.Distances:
    """Mean distances over all structures, in an image or not: what is averaged does not depend on what is found.

    Pixels that are not annotated count for nothing.
    """
    known = truth != NOT_ANNOTATED
    found = [
        energy.distances((answers == structure) & known[:, None], truth == structure)
        for structure in range(1, n_classes)
    ]
    return energy.Distances(*np.mean(found, axis=0))


def score(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    metrics: Mapping[str, Metric],
    extract: Any,
    seed: int,
) -> list[Score]:
    """Every metric: mean over test subjects with a 95 % interval over them; blank where too few have label maps."""
    if reason := why_not(data):
        return [blank_score(metric, reason, data.test.subjects) for metric in metrics.values()]
    rows, n_classes = outputs["rows"], classes(data)
    truth, subjects = data.test.fields[FIELD][rows], [data.test.subjects[row] for row in rows]
    answers = outputs["answers"]
    best, apart = majority(answers, n_classes), energies(answers, truth, n_classes)
    found = {
        "delineation_dice": _over_structures(dice.by_subject(best, truth, subjects, n_classes)),
        "delineation_dice_draw": _over_structures(dice.by_subject(answers[:, 0], truth, subjects, n_classes)),
        "delineation_hd95": _over_structures(hausdorff.by_subject(best, truth, subjects, n_classes)),
        "delineation_ged": subject_means(energy.ged(apart), subjects)[1],
        "delineation_overconfidence": subject_means(energy.overconfidence(apart), subjects)[1],
    }
    names = sorted(set(subjects))
    return [
        mean_score(metric, found[name], names, n=len(rows))
        if name in found
        else blank_score(metric, "it is no score of label maps", subjects)
        for name, metric in metrics.items()
    ]


def _over_structures(values: np.ndarray) -> np.ndarray:
    """Mean over the structures that a subject has, float64 (subjects,)."""
    return np.nanmean(values, axis=1)


def draw(
    outputs: Mapping[str, np.ndarray],
    data: Prepared,
    profile: Profile,
    model: Callable[[], Any] | None,
    caption: str,
) -> dict[str, np.ndarray]:
    """Rows of held-out images: image, truth, majority of draws, some draws, and where draws differ.

    The last is white where no draw is with the majority.
    """
    if not outputs:
        return {}
    n_classes = classes(data)
    places = evenly_spaced(len(outputs["rows"]), ROWS)
    rows, answers = outputs["rows"][places], outputs["answers"][places]
    best = majority(answers, n_classes)
    columns = {"image": data.test.images[rows], "truth": levels(data.test.fields[FIELD][rows], n_classes - 1)}
    if answers.shape[1] == 1:
        columns["answer"] = levels(best, n_classes - 1)
    else:
        columns[f"majority of {answers.shape[1]}"] = levels(best, n_classes - 1)
        for k in range(DRAWS_SHOWN):
            columns[f"draw {k + 1}"] = levels(answers[:, k], n_classes - 1)
        columns["disagreement"] = np.rint(255 * (answers != best[:, None]).mean(1)).astype(np.uint8)
    return {"label_maps": captioned_columns(columns, caption)}


PROBLEM = Problem(
    name="delineation",
    title="the structures that an image shows",
    measure=shown,
    levels=(LEVEL,),
    level_name="",
    kind=KIND,
    track="delineation",
    restores=False,
    controls=tuple(one.name for one in (MAJORITY, OTSU, ATLAS, TRUTH)),
    images=to_learn_from,
)
DELINEATION = Task(
    name=PROBLEM.name,
    title=PROBLEM.title,
    version=PROBLEM.version,
    metrics=(
        "delineation_dice",
        "delineation_dice_draw",
        "delineation_hd95",
        "delineation_ged",
        "delineation_overconfidence",
    ),
    produce=produce,
    score=score,
    draw=draw,
    primary="delineation_dice",
    fields=(FIELD,),
    track=PROBLEM.track,
    problem=PROBLEM,
    reported=SURVEY,
)
