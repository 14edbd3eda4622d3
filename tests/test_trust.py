"""The test of feature spaces: good ones pass, one that sees the invisible and one that is blind do not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mribench import profiles
from mribench.errors import InputError
from mribench.features.gist import GIST
from mribench.features.hc85 import HC85
from mribench.plugins import lookup
from mribench.trust import changes
from mribench.trust.examine import examine
from mribench.trust.survey import survey

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def organ():
    """Phantom slices of 150 subjects: uint8 (300, 64, 64), and their subjects."""
    phantom = lookup.load("modalities", "brain").phantom
    drawn = [phantom(0, subject, k, size=64).image for subject in range(150) for k in range(2)]
    return np.rint(np.stack(drawn) * 255).astype(np.uint8), [str(s) for s in range(150) for _ in range(2)]


def space(name, extract):
    return replace(HC85, name=name, identity=lambda: name, load=lambda: extract)


@pytest.mark.parametrize("good", [HC85, GIST], ids=lambda space: space.name)
def test_the_spaces_that_come_along_are_trusted_on_brains(organ, good):
    found = examine(good, *organ)
    assert found.trusted and found.reason is None
    assert found.floor < found.floor_high
    assert [r.change for r in found.responses] == [*changes.INVISIBLE, *changes.VISIBLE, *changes.CHOSEN]


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


def test_few_subjects_say_nothing(organ, tmp_path):
    images, subjects = organ
    with pytest.raises(InputError, match="19 subjects"):
        examine(HC85, images[:38], subjects[:38])


@pytest.mark.parametrize("name", [*changes.INVISIBLE, *changes.VISIBLE])
def test_a_change_keeps_shape_type_and_size(organ, name):
    images = organ[0][:10]
    changed = {**changes.INVISIBLE, **changes.VISIBLE}[name](images, RNG)
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
    assert len(found["responses"]) == 7
    assert path.read_text().count("| Heart |") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["phantom", "trust.md"]
