"""Of a model trained elsewhere "not detected" needs a named training set; copies that are found always count."""

from dataclasses import replace

import numpy as np
import pytest

from mribench.audit import training_set
from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.spec import Prepared, Split
from mribench.tasks import audit


def images(seed: int, n: int = 60, side: int = 32) -> Split:
    """Smooth random images, two of each subject."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (n // 2, 8, 8)).repeat(2, axis=0) + rng.normal(0, 5, (n, 8, 8))
    made = np.clip(np.kron(coarse, np.ones((side // 8, side // 8))), 0, 255).astype(np.uint8)
    return Split(made, tuple(f"{seed}-{i // 2}" for i in range(n)))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    splits = {"train": images(1), "validation": images(2), "test": images(3)}
    return Prepared(tmp_path_factory.mktemp("data"), "a" * 64, "own", "real", **splits)


def said(generated, data):
    extract = Extractor(lookup.load_all("features", audit.AUDIT.features))
    return audit.judge({"images": generated}, data, None, extract, 0)


def test_honest_images_are_cleared_only_where_the_training_set_is_named(data):
    honest = images(4).images
    assert said(honest, data)["verdict"] == "not detected"
    unknown = said(honest, training_set.unknown(data))
    assert (unknown["verdict"], unknown["reasons"]) == ("cannot say", [training_set.UNKNOWN])


def test_copies_are_found_also_where_nobody_said_what_it_was_trained_on(data):
    assert said(data.train.images, training_set.unknown(data))["verdict"] == "MEMORISES"
    assert said(data.test.images, training_set.unknown(data))["verdict"] == "SAW THE TEST"


def test_copies_of_another_training_set_are_found_where_it_is_named(data):
    other = replace(data, key="b" * 64, train=images(5), validation=images(6, n=20), test=images(7, n=20))
    assert said(other.train.images, data)["verdict"] == "not detected"
    seen = training_set.named(data, other)
    assert said(other.train.images, seen)["verdict"] == "MEMORISES"
    assert seen.key not in (data.key, other.key)
    assert len(seen.train) == 100
    assert not set(seen.train.subjects) & set(data.test.subjects)


def test_the_data_themselves_need_no_second_set(data):
    assert training_set.named(data, replace(data, name="other name")) is data


def test_few_test_subjects_are_said_before_an_unknown_training_set(data):
    few = replace(data, test=images(3, n=6))
    assert "test subjects" in said(images(4).images, training_set.unknown(few))["reasons"][0]
