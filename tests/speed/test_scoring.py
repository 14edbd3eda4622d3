"""The scoring benchmark counts every metric that needs no weights."""

import json
from dataclasses import replace
from functools import partial

import pytest

from mribench.features import Extractor
from mribench.plugins import lookup
from mribench.runner.runspec import FEATURES
from mribench.spec import Prepared
from mribench.speed import scoring
from mribench.tasks import generation


def test_one_size_is_measured_part_by_part():
    found = scoring.one(60)
    others = {"features", "denoising, one level", "audit, calibration", "audit"}
    assert set(found["by_part"]) == {*generation.METRICS, *others} - {"fid"}
    assert found["n"] == 60 and found["peak_gib"] > 0
    assert found["cpu_seconds"] == pytest.approx(sum(found["by_part"].values()), abs=0.2)


def test_the_next_model_finds_the_real_images_known(tmp_path):
    data = Prepared(tmp_path, "k", "drawn", "phantom", *(scoring.drawn_split(i, 60) for i in (1, 2, 3)))
    extract = Extractor(lookup.load_all("features", FEATURES))
    looked_at = []
    for name, space in extract.spaces.items():
        counting = partial(_counting, looked_at, space.load())
        extract.spaces[name] = replace(space, load=lambda counting=counting: counting)
    for seed, new in ((4, 3 * len(FEATURES)), (5, len(FEATURES))):
        scoring.parts(data, scoring.drawn_split(seed, 60).images, extract)
        assert len(looked_at) == new
        looked_at.clear()


def _counting(calls, extract, images):
    calls.append(len(images))
    return extract(images)


def test_images_are_drawn_with_a_seed_five_to_a_subject():
    first, again, other = scoring.drawn_split(1, 12), scoring.drawn_split(1, 12), scoring.drawn_split(2, 12)
    assert (first.images == again.images).all() and (first.images != other.images).any()
    assert first.n_subjects == 3


def test_the_command_measures_each_size_in_a_process_of_its_own(tmp_path, python):
    out = tmp_path / "scoring.json"
    code = f"import sys; sys.argv = ['scoring', '--sizes', '30', '--out', {str(out)!r}]; "
    ended = python(code + "import runpy; runpy.run_module('mribench.speed.scoring', run_name='__main__')")
    assert ended.code == 0, ended.err
    assert [row["n"] for row in json.loads(out.read_text())["sizes"]] == [30]
