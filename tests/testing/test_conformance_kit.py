"""The kit itself: what it says of a package, of one that does not load, and how a plugin's own tests call it."""

import sys
from dataclasses import replace

import pytest
from found import finding

from mribench import testing
from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.testing import packaging

ORGAN = lookup.load("modalities", lookup.names("modalities")[0])
MSE = lookup.load("metrics", "mse")


def test_what_the_package_says_of_itself_is_checked():
    agree, light = packaging.entry_point_and_name_agree, packaging.discovery_is_light_and_the_object_travels
    assert "calls itself" in finding(packaging.CHECKS, agree, MSE, "metrics", "mean").found
    assert (
        "the name is 'My metric'"
        in finding(packaging.CHECKS, agree, replace(MSE, name="My metric"), "metrics").found
    )
    inner = replace(MSE, compute=lambda x, y: 0)
    assert "cannot be pickled" in finding(packaging.CHECKS, light, inner, "metrics").found
    space = lookup.load("features", "hc85-v1")
    inner = replace(space, load=lambda: len)
    assert "cannot be pickled" in finding(packaging.CHECKS, light, inner, "features").found
    other = replace(MSE, title="another")
    assert "not equal to the one loaded" in finding(packaging.CHECKS, light, other, "metrics").found


@pytest.mark.parametrize(
    ("source", "line", "mend"),
    [
        ("from toe_bones import MODALITY\n", "toe_bones.py:2", "correct that line"),
        ("def (:\n", "toe.py:1", "correct that line"),
        ("MODALITY = 7\n", "toe.py", "as the sentence says"),
    ],
)
def test_a_plugin_that_does_not_load_is_told_with_its_line(source, line, mend, tmp_path, monkeypatch):
    (tmp_path / "toe.py").write_text(source)
    (tmp_path / "toe_bones.py").write_text("NUMBER = 14\nMODALITY = NUMBER.bones\n")
    information = tmp_path / "mribench_toe-1.2.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mribench-toe\nVersion: 1.2\n")
    (information / "entry_points.txt").write_text("[mribench.modalities]\ntoe = toe:MODALITY\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (said,) = testing.check("modalities", "toe")
    assert said.state == "broken" and said.where == str(tmp_path / line) and said.mend == mend


def test_one_cause_is_told_in_full_once(monkeypatch):
    def raising(seed, subject, slice, size=64):
        raise ZeroDivisionError("no such bone")

    load, broken = lookup.load, replace(ORGAN, phantom=raising, fields=(), draw_fields=None)
    monkeypatch.setattr(
        lookup, "load", lambda group, name: broken if name == ORGAN.name else load(group, name)
    )
    monkeypatch.setattr(
        packaging, "_probe", lambda case: {"listed": [], "same": True, "loaded": [], "seconds": 0}
    )
    said = [one for one in testing.check("modalities", ORGAN.name) if one.state == "broken"]
    assert [one.found for one in said] == ["ZeroDivisionError: no such bone", *["as above"] * (len(said) - 1)]
    assert len(said) == 7 and "where" not in str(said[1])


def test_a_good_plugin_passes_and_an_unknown_one_is_named():
    assert {one.state for one in testing.check("metrics", "mse")} == {"ok"}
    with pytest.raises(InputError, match="did you mean 'mse'"):
        list(testing.check("metrics", "msee"))
    with pytest.raises(InputError, match="unknown group"):
        list(testing.check("metric", "mse"))


def test_conforms_is_a_test_with_a_case_per_check():
    (mark,) = testing.conforms("metrics", "mse").pytestmark
    assert mark.name == "parametrize" and len(mark.args[1]) == len(testing.checks("metrics", MSE))
