"""The task of lesions, asked of answers that are known: the image itself, its healthy twin, a planted blob."""

from dataclasses import replace

import numpy as np
import pytest

from mribench import profiles
from mribench.errors import InputError
from mribench.metrics import lesions as measures
from mribench.plugins import lookup
from mribench.scoring.questions import restoration_task
from mribench.spec import Prepared, Problem, Solver, Split
from mribench.spec.field import Field
from mribench.tasks import lesions

SIDE, N = 48, 12
ROW, COLUMN = np.ogrid[:SIDE, :SIDE]
PROBLEM = Problem("toy", "toy", measure=None, levels=(4.0, 8.0), level_name="R")
METRICS = {
    metric.name: metric
    for metric in (*vars(measures).values(), lookup.load("metrics", "psnr"))
    if getattr(metric, "name", None) in lesions.METRICS
}


def disc(row, column, radius=3):
    return (ROW - row) ** 2 + (COLUMN - column) ** 2 <= radius**2


TWIN = (80 + 60 * disc(24, 24, 14)).astype(np.uint8)
MASKS = np.stack([disc(16, 14) if i % 3 else np.zeros((SIDE, SIDE), bool) for i in range(N)])


def data(contrast=60):
    twins = np.stack([TWIN] * N)
    fields = {
        "abnormal": twins + (contrast * MASKS).astype(np.uint8),
        "healthy": twins,
        "lesion": MASKS.astype(np.uint8),
    }
    split = Split(twins, tuple(f"s{i // 4}" for i in range(N)), fields=fields)
    kinds = {"abnormal": "image", "healthy": "image", "lesion": "mask"}
    known = {name: Field(name, kind) for name, kind in kinds.items()}
    return Prepared(None, "key", "toy", "phantom", split, split, split, fields=known)


class Known:
    """``Answers`` that are known beforehand: what it is asked about, changed by a function."""

    problem, solver = PROBLEM, Solver("known", "", "", None, needs=(), samples=False)

    def __init__(self, change):
        self.change, self.asked = change, []

    def answer(self, level, images, seed, sample=0, setting=None, like=None):
        self.asked.append((images, like))
        return self.change(images.astype(np.float32) / 255)

    def adjoint(self, level, images, seed):
        return images.astype(np.float32) / 255

    measured = residual = adjoint


def scored(change, of=None):
    of, model = of or data(), Known(change)
    outputs = lesions.produce(model, of, profiles.SMOKE, 0)
    found = lesions.score(outputs, of, profiles.SMOKE, METRICS, None, 0)
    return outputs, {(score.metric, score.level): score for score in found}


def test_the_image_itself_has_every_lesion_with_all_of_its_contrast():
    outputs, found = scored(lambda x: x)
    assert found["contrast_gap", 4.0].value == pytest.approx(0)
    assert found["contrast_error", 8.0].value == pytest.approx(0)
    assert found["lesions_found", 4.0].value == 1
    assert found["false_lesions", 4.0].value == 0
    assert found["psnr", 4.0].value == found["psnr_lesion", 4.0].value == 100
    assert found["contrast_gap", 4.0].subjects == 3 and found["contrast_gap", 4.0].n == 6
    assert set(outputs) == {"rows", "levels"} | {
        f"{name}_{level}" for name in ("answers", "twins", "adjoint", "setting") for level in (4, 8)
    }


def test_the_healthy_twin_as_every_answer_has_none_of_the_lesion():
    found = scored(lambda x: np.broadcast_to(TWIN / np.float32(255), x.shape))[1]
    assert found["contrast_gap", 4.0].value == pytest.approx(-1)
    assert found["lesions_found", 4.0].value == found["false_lesions", 4.0].value == 0


def test_a_planted_blob_is_a_false_lesion_with_an_interval_over_subjects():
    def one_subject(x):
        planted = x.copy()
        planted[:2] += 60 / 255 * disc(34, 34)
        return planted

    score = scored(one_subject)[1]["false_lesions", 4.0]
    assert score.value == pytest.approx(1 / 3) and score.per_subject == (1.0, 0.0, 0.0)
    assert score.low < score.value < score.high


def test_two_images_of_a_subject_are_asked_and_only_those_with_a_lesion():
    rows = scored(lambda x: x)[0]["rows"]
    assert len(rows) == 6 and all(row % 3 for row in rows)


def test_where_no_lesion_can_be_seen_nothing_is_asked_and_every_number_is_blank_with_the_reason():
    outputs, found = scored(lambda x: x, data(contrast=5))
    assert outputs == {} and {metric for metric, _ in found} == set(METRICS)
    assert all(score.value is None and score.reason == measures.REASON for score in found.values())


def test_pictures_show_the_lesion_beside_the_answer():
    outputs = scored(lambda x: x)[0]
    assert set(lesions.draw(outputs, data(), profiles.SMOKE, None, "toy")) == {"level_4", "level_8"}


def test_restored_images_cannot_answer_what_is_asked_about_fields():
    if "mri-lesions" not in lookup.names("tasks"):
        pytest.skip("needs mribench-inverse")
    with pytest.raises(InputError, match="asks about fields"):
        restoration_task("mri-lesions")


def test_a_tuned_solver_is_tuned_on_validation_images_without_lesions():
    model = Known(lambda x: x)
    model.solver = replace(model.solver, search=({"a": 1}, {"a": 2}))
    lesions.produce(model, data(), profiles.SMOKE, 0)
    first, second, of_lesion, of_twin, *_ = model.asked
    assert (first[0] == TWIN).all() and (second[0] == TWIN).all()
    assert not (of_lesion[0] == TWIN).all()
    # the twin is measured with the random numbers of the image with the lesion
    assert (of_twin[0] == TWIN).all() and of_twin[1] is of_lesion[0]
