"""Known answers of the task: real images in the place of generated ones, noise, true masks."""

from types import SimpleNamespace

import numpy as np
import pytest
from mribench_downstream import metrics, utility
from mribench_downstream.references import TRAININGS
from mribench_downstream.utility import COMPARED, UTILITY

from mribench.spec import NOT_ANNOTATED

METRICS = {
    value.name: value for value in vars(metrics).values() if getattr(value, "name", "") in UTILITY.metrics
}
PROFILE = SimpleNamespace(max_steps=240)


def scored(outputs, data):
    found = UTILITY.score(outputs, data, PROFILE, {name: METRICS[name] for name in UTILITY.metrics}, None, 0)
    return {one.metric: one for one in found}


@pytest.fixture(scope="module")
def made(data):
    """Outputs of two generators: one of the training images themselves, one of noise."""
    noise = np.random.default_rng(5).normal(
        data.train.images.mean(), data.train.images.std(), data.train.images.shape
    )
    images = {"real": data.train.images, "noise": np.clip(noise, 0, 255).astype(np.uint8)}
    return {
        name: {"images": part, **utility.produce(None, data, PROFILE, 0, {"images": part})}
        for name, part in images.items()
    }


def test_real_training_images_posing_as_generated_reach_the_ceiling_within_its_interval(data, made):
    found = scored(made["real"], data)
    ceiling = found["utility_real_100"]
    assert ceiling.low <= found["utility_synthetic"].value <= ceiling.high
    assert found["utility_over_noise"].value > 0
    for part in ("10", "50", "100"):
        assert found[f"utility_gain_{part}"].low <= 0.02


def test_noise_gives_no_gain(data, made):
    found = scored(made["noise"], data)
    assert found["utility_synthetic"].value < found["utility_real_100"].value
    assert abs(found["utility_over_noise"].value) < 0.1
    for part in ("1", "10", "50", "100"):
        assert found[f"utility_gain_{part}"].low <= 0


def test_what_saw_no_generated_image_is_the_same_for_every_generator(made):
    own = [name for name in made["real"] if "generated" not in name and name != "images"]
    assert len(own) == 5 * TRAININGS
    for name in own:
        assert (made["real"][name] == made["noise"][name]).all()


def test_true_maps_have_a_dice_of_1_and_no_gain(data):
    truth = data.test.fields["labels"]
    networks = {name for pair in COMPARED.values() for name in pair if name}
    found = scored({f"{name}_{training}": truth for name in networks for training in range(TRAININGS)}, data)
    for name, one in found.items():
        expected = 1 if name.startswith(("utility_real", "utility_synth")) else 0
        assert (one.value, one.low, one.high) == (expected,) * 3 and len(one.per_subject) == 4


def test_pictures_show_truth_and_what_was_found(data, made):
    for picture in UTILITY.draw(made["real"], data, PROFILE, None, "blobs").values():
        assert picture.dtype == np.uint8 and picture.ndim == 2


def test_where_too_few_subjects_have_label_maps_the_record_says_so(fresh):
    data = fresh
    data.train.fields["labels"][:] = NOT_ANNOTATED
    assert utility.produce(None, data, PROFILE, 0, {"images": data.train.images}) == {}
    found = scored({}, data)
    assert all(one.value is None and "at least 4" in one.reason for one in found.values())
    assert UTILITY.draw({}, data, PROFILE, None, "blobs") == {}


def test_it_needs_images_and_label_maps_and_ranks_nobody():
    assert (UTILITY.needs, UTILITY.fields, UTILITY.reads) == (("samples",), ("labels",), "generation")
    assert UTILITY.primary is None
