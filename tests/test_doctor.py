"""The doctor: finds what is broken, says it, and never dies of it."""

import sys

import pytest

from mribench.cli import doctor
from mribench.cli.doctor import Diagnosis
from mribench.features import inception
from mribench.plugins import lookup
from mribench.plugins.lookup import PluginEntry


@pytest.fixture
def only(monkeypatch):
    """Leave one check in place."""

    def keep(name):
        monkeypatch.setattr(doctor, "CHECKS", {name: doctor.CHECKS[name]})

    return keep


def test_this_machine_is_well(mribench):
    ended = mribench("doctor")
    assert ended.code == 0, ended.out
    for name in doctor.CHECKS:
        assert name in ended.out
    assert "broken" not in ended.out and "Inception" in ended.out


def test_a_broken_plugin_is_found(mribench, monkeypatch, only):
    only("plugins")
    bad = PluginEntry("modalities", "spleen", "x:Y", "mribench-spleen", "1.0", "module x not found")
    monkeypatch.setattr(lookup, "entries", lambda group: [bad] if group == "modalities" else [])
    ended = mribench("doctor")
    assert ended.code == 1
    assert "spleen of mribench-spleen: module x not found" in ended.out


def test_a_torchvision_that_does_not_load_is_told(mribench, monkeypatch, only):
    only("torch and torchvision")
    monkeypatch.setitem(sys.modules, "torchvision", None)
    ended = mribench("doctor")
    assert ended.code == 1
    assert "torchvision does not load beside torch" in ended.out and "--force-reinstall" in ended.out


def test_an_absent_package_is_told(monkeypatch):
    monkeypatch.setattr("mribench.provenance.versions", lambda: {"torch": "absent", "numpy": "2.0"})
    monkeypatch.setattr(doctor, "CHECKS", {"packages": doctor.CHECKS["packages"]})
    assert doctor.diagnose() == [Diagnosis("packages", "broken", "absent: torch; install them with pip")]


def test_a_check_that_fails_is_a_finding(monkeypatch):
    monkeypatch.setattr(doctor, "CHECKS", {"odd": lambda: 1 / 0})
    assert doctor.diagnose() == [Diagnosis("odd", "broken", "ZeroDivisionError: division by zero")]


def test_brackets_are_not_taken_for_markup(mribench, monkeypatch):
    monkeypatch.setattr(doctor, "CHECKS", {"odd": lambda: ("note", "see [red]this[/red] [Errno 2]")})
    assert "see [red]this[/red] [Errno 2]" in mribench("doctor").out


def test_no_modality_is_worth_a_note(monkeypatch):
    monkeypatch.setattr(lookup, "_points", lambda group: [])
    assert doctor._plugins() == ("note", "no modality installed")


def test_the_doctor_downloads_no_weights(monkeypatch, tmp_path):
    monkeypatch.delenv(inception.WEIGHTS_VARIABLE, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(inception, "download", lambda *_: pytest.fail("downloads"))
    state, words = doctor._inception()
    assert state == "note" and "a run downloads them once" in words
    assert not list(tmp_path.iterdir())


def test_other_weights_are_a_finding(monkeypatch, tmp_path):
    monkeypatch.setenv(inception.WEIGHTS_VARIABLE, str(tmp_path / "nowhere.pth"))
    state, words = doctor._inception()
    assert state == "broken" and words.startswith(inception.WEIGHTS_VARIABLE)
