"""The scoring benchmark counts every metric that needs no weights."""

import json

from mribench.speed import scoring
from mribench.tasks import generation


def test_one_size_is_measured_part_by_part():
    found = scoring.one(60)
    names = {*generation.METRICS, "features", "reconstruction, one level"} - {"fid"}
    assert set(found["by_part"]) == names
    assert found["n"] == 60 and found["peak_gib"] > 0
    assert 0 <= found["cpu_seconds_again"] <= found["cpu_seconds"]


def test_images_are_drawn_with_a_seed_five_to_a_subject():
    first, again, other = scoring._split(1, 12), scoring._split(1, 12), scoring._split(2, 12)
    assert (first.images == again.images).all() and (first.images != other.images).any()
    assert first.n_subjects == 3


def test_the_command_measures_each_size_in_a_process_of_its_own(tmp_path, python):
    out = tmp_path / "scoring.json"
    code = f"import sys; sys.argv = ['scoring', '--sizes', '30', '--out', {str(out)!r}]; "
    ended = python(code + "import runpy; runpy.run_module('mribench.speed.scoring', run_name='__main__')")
    assert ended.code == 0, ended.err
    assert [row["n"] for row in json.loads(out.read_text())["sizes"]] == [30]
