"""Every cheat is caught, honest generators are not, and where there are too few subjects nothing is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import median_filter

from mribench.audit import examine as examining
from mribench.audit.examine import SPACE, examine, held_out
from mribench.audit.match import neighbours
from mribench.audit.repeats import distinct
from mribench.audit.verdict import (
    ACCUSATION,
    COPIES_LEVEL,
    FALSE_ALARMS,
    POWER,
    SIGNS_LEVEL,
    TEST_LEVEL,
    detectable,
    least_share,
    verdict,
)
from mribench.calibration import cheats
from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.seeds import numpy_rng
from mribench.spec import AuditVerdict, Prepared, Split

NO_LOSS = {"auroc": None, "reason": "no network"}


def drawn(phantom, first, subjects, slices):
    images = [phantom(7, first + s, k, size=32).image for s in range(subjects) for k in range(slices)]
    names = tuple(f"s{first + s}" for s in range(subjects) for _ in range(slices))
    return Split(np.rint(np.stack(images) * 255).astype(np.uint8), names)


@pytest.fixture(scope="module")
def data():
    phantom = lookup.load("modalities", lookup.names("modalities")[0]).phantom
    parts = drawn(phantom, 0, 90, 2), drawn(phantom, 90, 24, 2), drawn(phantom, 190, 24, 2)
    return Prepared(Path(), "0", "phantom", "phantom", *parts, manifest={"subjects_known": True})


@pytest.fixture(scope="module")
def fresh():
    phantom = lookup.load("modalities", lookup.names("modalities")[0]).phantom
    return drawn(phantom, 220, 100, 1)


@pytest.fixture(scope="module")
def extract():
    return Extractor({SPACE: lookup.load("features", SPACE)})


@pytest.fixture(scope="module")
def real(data):
    return held_out(data)


@pytest.fixture(scope="module")
def judged(data, fresh, extract, real):
    def judge(name, seed=0):
        generate = {**cheats.CHEATS, **cheats.TEST_CHEATS, **cheats.HONEST}[name]
        images = generate(data, fresh, len(fresh), numpy_rng("test", name, seed))
        assert images.dtype == np.uint8 and images.shape == fresh.images.shape
        return verdict(examine(images, data, extract, real), NO_LOSS, data)

    return judge


FEW_PIXELS = (  # at 32 pixels a side; the rest is asked at 64, by the slow test of the calibration
    "replay",
    "noise of 0.01",
    "contrast changed",
    "shifted by up to 3 px",
    "flipped left to right",
    "flipped up-down",
    "turned by 90 degrees",
    "rotated by 5 degrees",
    "warped by 2 px",
    "left and right half of two patients",
    "20% replay mixed in",
    "5% replay mixed in",
    "one patient only",
    "20% of one patient mixed in",
)
TOO_FEW_TO_ACCUSE = ("warped by 2 px",)  # at 32 pixels a side, of 100 images: suspect
TOO_FEW_TO_COUNT = ("5% replay mixed in", "20% of one patient mixed in")  # seen by how near the nearest comes


@pytest.mark.parametrize("name", FEW_PIXELS)
def test_a_cheat_is_caught(judged, name):
    said = judged(name)
    verdict, accused = AuditVerdict(said["verdict"]), name not in TOO_FEW_TO_ACCUSE
    assert verdict.memorises if accused else verdict == AuditVerdict.SUSPECT
    assert "nearer to one training subject" in " ".join(said["reasons"])
    assert said["p"] <= (ACCUSATION if accused else COPIES_LEVEL)
    by_depth = "than any held-out image is" in said["reasons"][0]
    assert by_depth == (name in TOO_FEW_TO_COUNT)
    assert by_depth or said["copy_rate"] >= said["detectable"]


def of_density(width):
    """Training images, moved along each principal component of train by noise of that many standard deviations."""

    def generate(data, fresh, count, rng):
        images = data.train.images / 255
        apart = images - images.mean(0)
        # a sum of deviations with random weights has the covariance of the deviations
        noise = np.tensordot(rng.standard_normal((count, len(apart))) / np.sqrt(len(apart)), apart, axes=1)
        return cheats._to_uint8(images[rng.integers(len(images), size=count)] + width * noise)

    return generate


# milder or of another kind than the cheats of the calibration
FURTHER = {
    "noise of 0.05": cheats._replay(cheats._noisy(0.05)),
    "median of 3 x 3": cheats._replay(lambda images, rng: median_filter(images, (1, 3, 3))),
    "gamma of 0.5": cheats._replay(lambda images, rng: images**0.5),
    "gamma of 2": cheats._replay(lambda images, rng: images**2),
    "rotated by 3 degrees": cheats._replay(cheats._moved(3)),
    "5% smaller": cheats._replay(cheats._moved(scale=0.95)),
    "warped by 1 px": cheats._replay(cheats._warped(1)),
    **{f"density of width {width}": of_density(width) for width in (0.1, 0.25, 0.5)},
}
OTHER_PEOPLE = {
    "rotated by 5 degrees": cheats._moved(5),
    "in 8 grey levels": lambda images, rng: np.rint(images * 7) / 7,
    "two averaged": lambda images, rng: (images + images[rng.permutation(len(images))]) / 2,
}


@pytest.fixture(scope="module")
def by_copies(data, real, judged):
    """``by_copies(images)``: the verdict by copies of training images alone, which takes a tenth of the time."""
    of_noise = judged("noise")["findings"]

    def judge(images):
        near = neighbours(images, data.train.images, data.train.subjects)
        once, fine = distinct(images, data.train), examining.sharpness(images)
        return verdict({**of_noise, "copies": examining._copies(near, real.train, once, fine)}, NO_LOSS, data)

    return judge


@pytest.mark.parametrize("name", FURTHER)
def test_a_dozen_copies_in_another_disguise_are_caught(by_copies, data, fresh, name):
    said = by_copies(FURTHER[name](data, fresh, 12, numpy_rng("test", name)))
    assert AuditVerdict(said["verdict"]).memorises and said["copy_rate"] > 0.7


@pytest.mark.parametrize("name", OTHER_PEOPLE)
def test_the_same_done_to_images_of_other_people_is_no_copy(by_copies, fresh, name):
    changed = OTHER_PEOPLE[name](fresh.images[:24] / 255, numpy_rng("test", name))
    said = by_copies(cheats._to_uint8(changed))
    assert said["verdict"] == AuditVerdict.NOT_DETECTED and said["copy_rate"] < 0.05


@pytest.mark.parametrize("name", [name for name in cheats.TEST_CHEATS if "warped" not in name])
def test_copies_of_test_and_validation_images_are_the_gravest(judged, name):
    said = judged(name)
    assert said["verdict"] == AuditVerdict.SAW_THE_TEST
    assert "nearer to one test or validation subject" in said["reasons"][0] and said["test_p"] <= ACCUSATION


@pytest.mark.parametrize("name", cheats.HONEST)
def test_an_honest_generator_is_not(judged, name):
    assert judged(name)["verdict"] == AuditVerdict.NOT_DETECTED


def test_a_collapsed_generator_has_as_many_images_as_modes(judged):
    said = judged("collapsed to 4 real images")
    assert said["n"] == 100 and said["distinct"] <= 4 and said["least_share"] > 0.5


def test_smooth_images_are_why_distance_alone_decides_nothing(judged):
    sharp, blurred = (judged(name)["findings"]["nearer"]["rate"] for name in list(cheats.HONEST)[:2])
    assert blurred >= sharp


def test_too_few_or_unknown_subjects(judged, data, extract, real):
    found = judged("replay")["findings"]
    few = replace(data, test=Split(data.test.images[:38], data.test.subjects[:38]))
    said = verdict(found, NO_LOSS, few)
    assert said["verdict"] == AuditVerdict.CANNOT_SAY and said["reasons"] == [
        "only 19 test subjects, 20 are needed"
    ]
    assert said["copy_rate"] == 1, "the numbers stay"
    said = verdict(found, NO_LOSS, replace(data, manifest={"subjects_known": False}))
    assert said["verdict"] == AuditVerdict.CANNOT_SAY and "unknown" in said["reasons"][0]


@pytest.mark.parametrize(
    ("changes", "membership", "sign"),
    [
        ({"features": {"share": 1.0, "low": 0.7, "high": 0.9, "p": 0.001}}, NO_LOSS, "hc85-v1"),
        ({"gap": {"gap": 9.0, "low": -1.0, "high": 1.0, "p": 0.001}}, NO_LOSS, "distribution"),
        ({}, {"auroc": 0.8, "low": 0.7, "high": 0.9, "p": 0.001}, "loss"),
    ],
)
def test_other_signs_make_suspect_only(judged, data, changes, membership, sign):
    honest = judged("noise")["findings"]
    said = verdict({**honest, **changes}, membership, data)
    assert (
        said["verdict"] == AuditVerdict.SUSPECT and len(said["reasons"]) == 1 and sign in said["reasons"][0]
    )


@pytest.mark.parametrize(
    ("p", "word"),
    [(0.03, AuditVerdict.NOT_DETECTED), (0.015, AuditVerdict.SUSPECT), (0.0004, AuditVerdict.MEMORISES)],
)
def test_copies_are_counted_or_not_by_their_level(judged, data, p, word):
    found = judged("noise")["findings"]
    few = found["copies"] | {"rate": 0.06, "copies": 6, "p": p}
    assert verdict({**found, "copies": few}, NO_LOSS, data)["verdict"] == word


@pytest.mark.parametrize(
    ("sign", "p", "word"),
    [
        ("features", 0.001, AuditVerdict.SUSPECT),
        ("gap", 0.001, AuditVerdict.SUSPECT),
        ("test_copies", 0.005, AuditVerdict.SUSPECT),
        ("test_copies", 0.0004, AuditVerdict.SAW_THE_TEST),
    ],
)
def test_only_copies_accuse_of_having_seen_the_test(judged, data, sign, p, word):
    """A flow that had seen no test subject was once nearest to theirs with p = 0.006, one of a board's many rows."""
    found = judged("noise")["findings"]
    changed = found[sign] | {"p_test": p, "p": p if sign == "test_copies" else 0.9}
    said = verdict({**found, sign: changed}, NO_LOSS, data)
    assert said["verdict"] == word and len(said["reasons"]) == 1
    assert "test" in said["reasons"][0]


def test_the_reason_of_an_accusation_comes_first(judged, data):
    copied = judged("replay")["findings"]
    near_test = copied["gap"] | {"p_test": 0.001}
    said = verdict({**copied, "gap": near_test}, NO_LOSS, data)
    assert said["verdict"] == AuditVerdict.MEMORISES
    assert "one training subject" in said["reasons"][0] and "nearer to the test" in said["reasons"][1]


def test_who_copies_train_and_test_saw_the_test(judged, data):
    found = judged("replay of test")["findings"] | {"copies": judged("replay")["findings"]["copies"]}
    said = verdict(found, NO_LOSS, data)
    assert said["verdict"] == AuditVerdict.SAW_THE_TEST and "training subject" in said["reasons"][-1]


def test_the_levels_add_up_to_what_is_promised():
    assert pytest.approx(COPIES_LEVEL + TEST_LEVEL + SIGNS_LEVEL) == FALSE_ALARMS
    assert ACCUSATION < COPIES_LEVEL / 10, "a grave word wants far more than a doubt"


def test_signs_are_corrected_for_how_many_were_looked_for(judged, data):
    """0.0045 is small for one question and not for three; a question that could not be asked costs nothing."""
    found = judged("noise")["findings"]
    gap = found["gap"] | {"p": 0.0045}
    unasked = {"share": None, "reason": "fewer than two subjects in a split"}
    loss = {"auroc": 0.5, "low": 0.45, "high": 0.55, "p": 0.5}
    said = [
        verdict({**found, "gap": gap, **changes}, membership, data)["verdict"]
        for changes, membership in (({}, loss), ({}, NO_LOSS), ({"features": unasked}, NO_LOSS))
    ]
    assert said == [AuditVerdict.NOT_DETECTED, AuditVerdict.SUSPECT, AuditVerdict.SUSPECT]


def test_a_loss_that_tells_members_apart_by_little_is_no_sign(judged, data):
    found = judged("noise")["findings"]
    loss = {"auroc": 0.56, "low": 0.53, "high": 0.59, "p": 0.001}
    assert verdict(found, loss, data)["verdict"] == AuditVerdict.NOT_DETECTED


def test_what_so_many_images_could_show():
    assert detectable(90, 0.0098, 100) == pytest.approx(8 / 90)
    assert detectable(1, 0.9, 100) is None
    assert detectable(1000, 0.01, 100) < detectable(100, 0.01, 100)


def test_the_least_share_is_seen_as_often_as_it_says():
    """Against counts drawn at random: copies always below the threshold, others at the rate of false alarms."""
    n, false_alarm, independent = 128, 0.01, 115
    share, rng = least_share(n, false_alarm, independent), np.random.default_rng(0)
    enough = detectable(n, false_alarm, independent) * n
    seen = [
        (rng.binomial(n, s + (1 - s) * false_alarm, 20000) >= enough - 0.5).mean()
        for s in (share, share - 0.01)
    ]
    assert seen[1] < POWER - 0.02 < seen[0] < POWER + 0.02
    assert least_share(1, 0.9, 100) is None
    assert least_share(2048, 0.01, 300) < least_share(256, 0.01, 300) < least_share(64, 0.01, 300)


def test_a_verdict_is_json(judged):
    import json

    said = judged("gaussian")
    assert json.loads(json.dumps(said, allow_nan=False)) == said
