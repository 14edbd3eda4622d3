"""The task on phantoms of the brain: the ceiling, what tells nothing, what is chosen where, and the kit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from mribench_anomaly import anomaly, metrics
from mribench_anomaly.anomaly import ANOMALY, PROBLEM, chosen, produce, score, seen
from mribench_anomaly.baselines import DARKNESS, HEALTHY_TWIN, UNCHANGED
from mribench_anomaly.lesions import asked, largest_lesions, strata
from mribench_anomaly.methods import KIND
from mribench_anomaly.pixels import WIDTHS
from mribench_brain import MODALITY

from mribench.metrics.detection import placements
from mribench.spec import Prepared, Solver, Split
from mribench.testing import conforms

test_task = conforms("tasks", "anomaly")

SIDE, SLICES = 32, 3
FIELDS = {field.name: field for field in MODALITY.fields if field.name in ANOMALY.fields}
NAMED = {name: getattr(metrics, name.upper()) for name in ANOMALY.metrics}


def drawn(first, n):
    address = [(subject, slice) for subject in range(first, first + n) for slice in range(SLICES)]
    found = [MODALITY.draw_fields(0, *one, SIDE, tuple(FIELDS)) for one in address]
    grey = {name: np.stack([one[name] for one in found]) for name in FIELDS}
    fields = {
        name: array if name == "lesion" else np.rint(array * 255).astype(np.uint8)
        for name, array in grey.items()
    }
    return Split(fields["healthy"], tuple(f"s{subject:02d}" for subject, _ in address), fields=fields)


@pytest.fixture(scope="module")
def data():
    splits = drawn(0, 2), drawn(2, 6), drawn(8, 12)
    return Prepared(Path(), "0" * 64, "phantom", "phantom", *splits, modality="brain", fields=FIELDS)


class Asking:
    """A solver that sees images as they are: ``mribench.spec.Answers``, as far as the task asks."""

    problem = PROBLEM

    def __init__(self, solver):
        self.solver = solver

    def answer(self, level, images, seed, sample=0, setting=None):
        x = torch.from_numpy(images.astype(np.float32) / 255).unsqueeze(1)
        return self.solver.solve(None, seen(x, level, None), None, **(setting or {}))[:, 0].numpy()

    adjoint = measured = residual = answer


def scored(solver, data):
    outputs = produce(Asking(solver), data, None, 0)
    return {one.metric: one for one in score(outputs, data, None, NAMED, None, 0)}, outputs


def test_the_healthy_twin_shows_where_the_lesion_is_up_to_noise(data):
    found, outputs = scored(HEALTHY_TWIN, data)
    assert found["anomaly_auroc"].value > 0.97 and found["anomaly_image_auroc"].value == 1
    assert found["anomaly_ap"].value > 0.8 and found["anomaly_dice"].value > 0.7
    assert found["anomaly_false_area"].value == 0
    assert (outputs["answers"] == asked(data.test).twins).all()


def test_a_map_that_is_zero_everywhere_has_the_prevalence_and_a_half(data):
    found, _ = scored(UNCHANGED, data)
    test = asked(data.test)
    prevalence = np.mean(test.lesions.sum((1, 2)) / test.inside.sum((1, 2)))
    assert found["anomaly_ap"].value == pytest.approx(prevalence)
    assert found["anomaly_auroc"].value == found["anomaly_image_auroc"].value == 0.5
    assert found["anomaly_false_area"].value == 1  # the threshold is 0, and so is the map


def test_an_oracle_finds_every_pixel_of_the_lesion_and_none_beside_it(data, monkeypatch):
    """It answers with the image, but for half a grey range in the lesion."""
    images, lesions = asked(data.test).images, asked(data.test).lesions
    images, lesions = (
        np.concatenate(pair)
        for pair in ((images, asked(data.validation).images), (lesions, asked(data.validation).lesions))
    )
    known = {
        image.tobytes(): (image.astype(int) + 128 * lesion) % 256
        for image, lesion in zip(images, lesions, strict=True)
    }

    def oracle(_, m, draws):
        seen = (m.y[:, 0] * 255).round().byte().numpy()
        return torch.stack([torch.from_numpy(known.get(one.tobytes(), one) / 255).float() for one in seen])[
            :, None
        ]

    found, _ = scored(Solver("oracle", "", "", oracle, needs=(), kinds=(KIND,), samples=False), data)
    for name in ("anomaly_ap", "anomaly_auroc", "anomaly_dice", "anomaly_dice_best", "anomaly_image_auroc"):
        assert found[name].value == pytest.approx(1), name
    assert found["anomaly_false_area"].value == 0


def test_every_number_has_an_interval_over_subjects_and_halves_have_half_of_them(data):
    found, outputs = scored(DARKNESS, data)
    assert list(found) == list(ANOMALY.metrics)
    n = len(outputs["rows"])
    for name, one in found.items():
        half = name.rpartition("_")[2] in ("small", "large", "faint", "strong")
        assert one.low <= one.value <= one.high and len(one.per_subject) == one.subjects
        assert 0.3 * n <= one.subjects <= 0.7 * n if half else one.subjects == n
    both = [found[f"anomaly_ap_{name}"] for name in ("small", "large")]
    total = sum(one.value * one.subjects for one in both) / n
    assert total == pytest.approx(found["anomaly_ap"].value)
    assert ANOMALY.draw(outputs, data, None, None, "brain")["lesions"].dtype == np.uint8


def test_the_setting_is_that_of_the_validation_subjects(data):
    """Of two settings one tells nothing, and the other knows the twins of the validation subjects alone."""
    validation = asked(data.validation)
    twins = dict(zip([image.tobytes() for image in validation.images], validation.twins, strict=True))

    def solve(_, m, draws, works=0):
        if not works:
            return m.y
        seen = (m.y[:, 0] * 255).round().byte().numpy()
        return torch.stack([torch.from_numpy(twins.get(x.tobytes(), x) / 255).float() for x in seen])[:, None]

    search = ({"works": 0}, {"works": 1}, {"works": 0})
    solver = Solver("s", "", "", solve, needs=(), kinds=(KIND,), samples=False, search=search)
    setting, width, threshold = chosen(Asking(solver), validation, 0)
    assert setting == 1 and width in WIDTHS and threshold > 0
    outputs = produce(Asking(solver), data, None, 0)
    assert outputs["setting"].tolist() == [1]
    # nobody but the ceiling is given the twin
    assert (outputs["answers"] == asked(data.test).images).all()


def test_of_each_subject_the_largest_lesion_is_asked_if_it_has_four_pixels():
    areas = np.array([3, 9, 9, 0, 3, 4])
    assert largest_lesions(areas, ("a", "a", "a", "b", "b", "c")).tolist() == [1, 5]


def test_halves_are_by_size_and_by_contrast(data):
    test = asked(data.test)
    groups = strata(test)
    area = test.lesions.sum((1, 2))
    assert area[groups["small"]].max() < area[groups["large"]].min()
    assert (groups["faint"] ^ groups["strong"]).all()


def test_the_number_of_a_subject_is_the_sum_of_its_placements_less_the_area():
    """By hand, of three people with healthy images 2, 0 and 4 and abnormal images 3, 1 and 2.5."""
    abnormal, healthy = np.array([3.0, 1.0, 2.5]), np.array([2.0, 0.0, 4.0])
    values = anomaly._told_apart(metrics.ANOMALY_IMAGE_AUROC, abnormal, healthy)
    area = placements(healthy, abnormal).mean()
    assert area == pytest.approx(5 / 9) and values.mean() == pytest.approx(area)
    assert values == pytest.approx(np.array([2 / 3 + 2 / 3, 1 + 1 / 3, 0 + 2 / 3]) - area)


def test_the_interval_of_the_area_holds_the_truth_where_both_images_are_of_one_person():
    """A person's own level is in both images: the area between N(1, 2) and N(0, 2), paired, in 200 worlds of 30."""
    from math import erf

    from mribench.metrics.uncertainty import mean_over_subjects

    truth = (1 + erf(1 / 2 / 2**0.5)) / 2  # F(1 / sqrt(2 + 2))
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        person, abnormal, healthy = rng.standard_normal((3, 30))
        values = anomaly._told_apart(metrics.ANOMALY_IMAGE_AUROC, person + abnormal + 1, person + healthy)
        _, low, high = mean_over_subjects(values, [f"{i}" for i in range(30)], (0, 1))
        held += low <= truth <= high
    assert held >= 184


def test_without_a_lesion_every_number_is_blank_and_says_so(data):
    empty = replace(
        data.validation, fields=data.validation.fields | {"lesion": 0 * data.validation.fields["lesion"]}
    )
    outputs = produce(Asking(DARKNESS), replace(data, validation=empty), None, 0)
    found = score(outputs, replace(data, validation=empty), None, NAMED, None, 0)
    assert outputs == {} and len(found) == len(ANOMALY.metrics)
    assert {one.reason for one in found} == {"no validation subject has a lesion of 4 pixels or more"}
    assert ANOMALY.draw(outputs, data, None, None, "") == {}
