"""Which organ is it: what the answer is where it is known."""

from dataclasses import replace

import numpy as np
import pytest
from mribench_downstream import organs
from mribench_downstream.organs import REAL, answer, page

STEPS = 30


@pytest.fixture(scope="module")
def sets(data):
    """Two organs: bright blobs, and the same upside down in grey."""
    dark = {
        name: replace(split, images=255 - split.images)
        for name, split in (("train", data.train), ("test", data.test))
    }
    return [data, replace(data, **dark)]


@pytest.fixture(scope="module")
def images(sets):
    return [one.train.images for one in sets]


def test_real_images_tell_organs_that_differ(sets, images):
    found = answer(images, sets, STEPS)
    assert found.right[0] == 1.0 and found.surprise[0] < 0.1 and found.subjects == 8


def test_images_under_each_others_names_are_always_wrong(sets, images):
    assert answer(images[::-1], sets, STEPS).right[0] == 0.0


def test_images_that_say_nothing_of_their_organ_give_chance(sets, images):
    found = answer([images[0], images[0]], sets, STEPS)
    assert abs(found.surprise[0] - np.log(2)) < 0.15


def test_trainings_differ_by_nothing_but_their_images(sets, images):
    assert answer(images, sets, 3) == answer([one.copy() for one in images], sets, 3)


def test_the_page_says_n_and_chance(sets, images):
    text = page({REAL: answer(images, sets, STEPS)}, 2, "discs")
    assert (
        "(discs): 8 subjects, 3 trainings" in text
        and "By chance 50.0 %" in text
        and f"| {REAL} | 100.0 [" in text
    )


class Loaded:
    """What a run gives: one generator with images of both organs, one with those of one alone."""

    folder = "runs/made"

    def __init__(self, sets, images):
        record = type(
            "Record", (), {"task": "generation", "not_applicable": None, "is_control": False, "seed": 0}
        )
        pairs = [("a", "copies", None), ("b", "copies", None), ("a", "alone", None)]
        names = ("modality", "variant", "sampler")
        self.records = [type("One", (record,), dict(zip(names, pair, strict=True))) for pair in pairs]
        self.sets, self.images = dict(zip("ab", sets, strict=True)), dict(zip("ab", images, strict=True))

    def __iter__(self):
        return iter(self.records)

    def data(self, organ):
        return self.sets[organ]

    def samples(self, variant, organ, sampler, seed):
        return self.images[organ]


def test_the_training_images_themselves_reach_the_ceiling_to_the_bit(sets, images, monkeypatch):
    monkeypatch.setattr(organs, "equal_by_subject", lambda subjects, limit, *address: np.arange(limit))
    found = organs.survey(Loaded(sets, images), steps=3)
    assert list(found) == [REAL, "copies"] and found["copies"] == found[REAL]
