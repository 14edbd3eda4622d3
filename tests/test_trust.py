"""The test of feature spaces: good ones pass, one that sees the invisible and one that is blind do not."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mribench import profiles
from mribench.errors import InputError
from mribench.features.gist import GIST
from mribench.features.hc85 import HC85
from mribench.features.shape import SHAPE
from mribench.metrics.distribution import KD
from mribench.plugins import lookup
from mribench.trust import changes
from mribench.trust import survey as SURVEY
from mribench.trust.examine import examine, of_another_subject
from mribench.trust.survey import survey
from mribench.variants.warp import warped

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def organ():
    """Phantom slices of 150 subjects: uint8 (300, 64, 64), and their subjects."""
    phantom = lookup.load("modalities", "brain").phantom
    drawn = [phantom(0, subject, k, size=64).image for subject in range(150) for k in range(2)]
    return np.rint(np.stack(drawn) * 255).astype(np.uint8), [str(s) for s in range(150) for _ in range(2)]


@pytest.fixture(scope="module")
def examined(organ):
    """What the test finds out about a space on these images, once for each space."""
    return cache(lambda space: examine(space, *organ))


def space(name, extract):
    return replace(HC85, name=name, identity=lambda: name, load=lambda: extract)


@pytest.mark.parametrize("good", [HC85, GIST, SHAPE], ids=lambda space: space.name)
def test_the_spaces_that_come_along_are_trusted_on_brains(examined, good):
    found = examined(good)
    assert found.trusted and found.reason is None
    assert found.floor < found.floor_high
    required = [r.change for r in found.responses if r.required]
    assert required == [*changes.INVISIBLE, *changes.VISIBLE, *changes.CHOSEN]
    assert [r.change for r in found.responses if not r.required] == [*changes.REPORTED, changes.HALVES]


@pytest.mark.parametrize("side", [33, 36, 44])
def test_of_few_subjects_with_one_image_each_every_distance_is_finite(side):
    """A half may keep one image alone beside another patient's, and no pair of images."""
    images = np.random.default_rng(0).integers(0, 255, (20, side, side), dtype=np.uint8)
    some_pixels = space("some pixels", lambda x: x.reshape(len(x), -1)[:, ::37][:, :20].astype(float))
    found = examine(some_pixels, images, [f"s{i}" for i in range(20)])
    assert np.isfinite([response.distance for response in found.responses]).all()


def test_a_space_that_looks_at_the_air_is_not(organ):
    def darkest(images):
        return np.sort(images.reshape(len(images), -1), axis=1)[:, :400:40].astype(float)

    found = examine(space("air", darkest), *organ)
    assert not found.trusted and "no eye sees: background + 2 grey levels" in found.reason


def test_a_space_that_sees_little_is_not(organ):
    def blocks(images):
        return images.reshape(len(images), 2, 32, 2, 32).mean((2, 4)).reshape(len(images), 4).astype(float)

    found = examine(space("coarse", blocks), *organ)
    assert not found.trusted and "misses what any eye sees: blur 3x3" in found.reason


def test_a_space_may_rank_and_be_blind_and_says_to_what(organ):
    def textures(images):
        return HC85.load()(images)[:, 20:80]  # spectrum, wavelets and gradients

    found = examine(space("textures", textures), *organ)
    assert found.trusted and changes.REPORTED.keys() > set(found.blind_to) >= {"a bright spot"}
    assert found.record()["blind_to"] == list(found.blind_to)


def test_the_space_of_local_shape_sees_what_the_others_miss(examined):
    ratios, texture = ({r.change: r.ratio for r in examined(s).responses} for s in (SHAPE, HC85))
    for change in ("a lost patch", changes.UPSIDE_DOWN, "elastic warp", changes.HALVES):
        assert ratios[change] > 1, change
    assert ratios["a lost patch"] > 5 * texture["a lost patch"]


def test_the_space_of_local_shape_rises_with_the_size_of_a_warp(organ):
    images = organ[0][::2]
    real = SHAPE.load()(images[:75].astype(np.float32) / 255)
    rise = []
    for pixels in (1.0, 2.0, 3.5, 5.0, 8.0):
        rngs = [np.random.default_rng(i) for i in range(75)]
        moved = warped(images[75:].astype(np.float32) / 255, pixels, rngs)
        rise.append(KD.scale * KD.compute(SHAPE.load()(moved), real, real, SHAPE))
    assert rise == sorted(rise) and rise[-1] > 10 * rise[1] > 0


def test_images_have_an_up_unless_they_are_turned_at_random(organ):
    images, subjects = organ[0], np.array(organ[1])
    assert changes.have_an_up(images, subjects)
    turned = images.copy()
    by_chance = np.isin(subjects, RNG.permutation(np.unique(subjects))[:75])
    turned[by_chance] = turned[by_chance, ::-1]
    assert not changes.have_an_up(turned, subjects)
    found = examine(space("level", lambda x: x.mean((1, 2))[:, None].astype(float)), turned, organ[1])
    assert found.no_up and changes.UPSIDE_DOWN not in [r.change for r in found.responses]


def test_few_subjects_say_nothing(organ, tmp_path):
    images, subjects = organ
    with pytest.raises(InputError, match="19 subjects"):
        examine(HC85, images[:38], subjects[:38])


@pytest.mark.parametrize("name", [*changes.INVISIBLE, *changes.VISIBLE, *changes.REPORTED])
def test_a_change_keeps_shape_type_and_size(organ, name):
    images = organ[0][:10]
    changed = {**changes.INVISIBLE, **changes.VISIBLE, **changes.REPORTED}[name](images, RNG)
    assert changed.shape == images.shape and changed.dtype == np.uint8 and (changed != images).any()


def test_what_is_invisible_is_small(organ):
    images = organ[0][:20]
    lifted = changes.background_offset(images, RNG).astype(int) - images
    assert set(np.unique(lifted)) == {0, 2} and (lifted[images >= 10] == 0).all()
    assert np.abs(changes.rounding(images, RNG).astype(int) - images).max() == 1
    moved = changes.shift(images, RNG)
    near = [np.roll(images, way, axis)[:, 1:-1, 1:-1] for way in (-1, 1) for axis in (1, 2)]
    same = [(part == moved[:, 1:-1, 1:-1]).all((1, 2)) for part in near]
    assert np.any(same, axis=0).all()


def test_local_changes_are_where_they_say(organ):
    images = organ[0][:20]
    struck, lost = changes.bright_spot(images, RNG), changes.lost_patch(images, RNG)
    assert (struck >= images).all() and ((struck == 255) & (images < 255)).any((1, 2)).all()
    assert ((struck.astype(int) - images > 25).sum((1, 2)) < 100).all()
    for before, after in zip(images, lost, strict=True):
        rows, columns = np.nonzero(before != after)
        assert np.ptp(rows) < changes.PATCH and np.ptp(columns) < changes.PATCH
        assert len(np.unique(after[rows, columns])) == 1
    halves = changes.halves_of_two(images, images[::-1])
    assert (halves[:, :, :32] == images[:, :, :32]).all() and (
        halves[:, :, 32:] == images[::-1, :, 32:]
    ).all()
    black = np.zeros((2, 32, 32), np.uint8)
    assert changes.bright_spot(black, RNG).max() == 255 and not changes.lost_patch(black, RNG).any()


def test_the_other_half_is_of_another_patient():
    subjects = np.repeat([f"s{i}" for i in range(20)], 3)
    other = of_another_subject(subjects, RNG)
    assert (subjects[other] != subjects).all() and len(set(subjects[other])) > 10


def test_choices_take_what_they_say():
    along, half = RNG.random(64), np.arange(64) % 2 == 0
    lost, copied = changes.lost_modes(half, along), changes.copies(half, along)
    assert lost.sum() == 16 and (lost[~half] == 0).all()
    assert along[lost > 0].max() < along[half & (lost == 0)].min()
    assert copied.sum() == 32 and set(copied) == {0, 8} and (copied[~half] == 0).all()


def test_a_survey_leaves_records_and_a_table(tmp_path):
    organs = [lookup.load("modalities", "heart")]
    path = survey(organs, [HC85], "phantom", profiles.get("smoke"), tmp_path)
    record = json.loads((tmp_path / "phantom" / "heart.json").read_text())
    (found,) = record["spaces"]
    assert found["space"] == "hc85-v1" and found["trusted"] in (True, False)
    assert len(found["responses"]) == 12 - found["no_up"]
    assert path.read_text().count("| Heart |") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["phantom", "trust.md"]


def test_a_survey_of_another_space_keeps_the_first_on_the_same_images_alone(tmp_path, monkeypatch):
    said = {"trusted": None, "reason": "not examined"}
    monkeypatch.setattr(SURVEY, "examine_prepared", lambda space, *_: {"space": space.name, **said})

    def surveyed(space, size=32):
        profile = replace(profiles.get("smoke"), size=size, phantom_subjects=8, phantom_slices=1)
        survey([lookup.load("modalities", "heart")], [space], "phantom", profile, tmp_path)
        record = json.loads((tmp_path / "phantom" / "heart.json").read_text())
        return [found["space"] for found in record["spaces"]]

    assert surveyed(HC85) == ["hc85-v1"]
    assert surveyed(GIST) == ["hc85-v1", "gist208-v1"]
    assert surveyed(HC85) == ["hc85-v1", "gist208-v1"]
    assert surveyed(GIST, size=64) == ["gist208-v1"]
