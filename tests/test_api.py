"""The public names: all there, none lost, and a plugin written against them once keeps working."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

import mribench
from mribench import phantom, testing
from mribench.api import API, PUBLIC
from mribench.plugins import lookup

FROZEN = Path(__file__).parent / "frozen"


@pytest.mark.parametrize("module", PUBLIC)
def test_a_public_name_is_there(module):
    assert [name for name in PUBLIC[module] if not hasattr(importlib.import_module(module), name)] == []


def test_the_list_says_what_the_packages_say():
    for module in (mribench, phantom, testing):
        assert set(module.__all__) <= set(PUBLIC[module.__name__])
    parts = [part for name in phantom.__all__ if isinstance(part := getattr(phantom, name), ModuleType)]
    assert {part.__name__ for part in parts} <= PUBLIC.keys()


def test_no_name_is_lost_within_one_api():
    """Where this fails a name went away: bring it back, or raise API, the minor version, and add a frozen list."""
    promised = (FROZEN / f"api_{API}" / "names.txt").read_text().split("\n")
    now = {f"{module} {name}" for module, names in PUBLIC.items() for name in names}
    assert {line for line in promised if line} - now == set()


@pytest.fixture
def frozen(monkeypatch):
    """The distribution mribench-frozen on sys.path: one plugin of each kind, as it was written for API 1."""
    monkeypatch.syspath_prepend(str(FROZEN / "api_1"))
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("modalities", "frozen-organ"),
        pytest.param("variants", "frozen-variant", marks=pytest.mark.slow),
        ("samplers", "frozen-sampler"),
        ("tasks", "frozen-task"),
        ("metrics", "frozen-metric"),
        ("features", "frozen-features"),
    ],
)
def test_a_plugin_written_for_this_api_keeps_working(frozen, group, name):
    keeps_working(group, name)


@pytest.mark.usefixtures("frozen", "no_toys")
def test_a_variant_written_for_this_api_keeps_working():
    keeps_working("variants", "frozen-variant")


def keeps_working(group, name):
    assert next(entry.problem for entry in lookup.entries(group) if entry.name == name) is None
    findings = list(testing.check(group, name))
    assert len(findings) > 4
    assert [str(finding) for finding in findings if finding.state == "broken"] == []
