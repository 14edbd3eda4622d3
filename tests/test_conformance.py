"""Every installed plugin, ours and anybody's, holds to what ``mribench plugin check`` asks."""

import json
import pickle
import warnings

import pytest

from mribench.plugins import lookup
from mribench.spec import GenerativeModel, Integrator, Sampler, Variant
from mribench.testing import known, packaging
from mribench.testing.checking import Case, run_check
from mribench.testing.kit import checks

# the cheapest of its kind comes first
CHEAPEST = ("vae",)


def cases():
    """All checks of all plugins; slow are those that say little new.

    Of trained variants, generative models, samplers and integrators the core's and the first of each kind are checked
    by default. ddpm learns the toy in test_known_answers. A fresh process is asked for the first plugin of a group in
    each distribution; below, one process is asked for all.
    """
    kinds, groups = set(), set()
    for entry in sorted(lookup.choose(), key=lambda entry: entry.name not in CHEAPEST):
        plugin = lookup.load(entry.group, entry.name)
        trains = isinstance(plugin, Variant | GenerativeModel | Sampler | Integrator)
        again = trains and entry.distribution != "mribench" and type(plugin) in kinds
        if entry.distribution != "mribench":
            kinds.add(type(plugin))
        for check in checks(entry.group, plugin):
            learned = check.run == known.it_learns_a_toy and isinstance(plugin, Variant)
            asked = (
                check.run == packaging.discovery_is_light_and_the_object_travels
                or check.run == packaging.import_is_quick
            ) and (entry.distribution, entry.group) in groups
            name = f"{entry.group} {entry.name}: {check.name}"
            marks = pytest.mark.slow if again or learned or asked else ()
            yield pytest.param(check, Case(entry, plugin), id=name, marks=marks)
        groups.add((entry.distribution, entry.group))


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """What a likelihood is off by is no matter here."""
    monkeypatch.setattr("mribench.sampling.likelihood.STEPS", 4)


@pytest.mark.parametrize(("check", "case"), list(cases()))
def test_an_installed_plugin_conforms(check, case):
    finding = run_check(check, case)
    assert finding.state != "broken", str(finding)
    if finding.state == "note":
        warnings.warn(str(finding), stacklevel=1)


def test_every_plugin_is_loaded_and_unpickled_by_another_process(python, tmp_path):
    entries = [entry for entry in lookup.choose() if entry.problem is None]
    plugins = {(e.group, e.name): lookup.load(e.group, e.name) for e in entries}
    (tmp_path / "plugins").write_bytes(pickle.dumps({key: pickle.dumps(p) for key, p in plugins.items()}))
    code = f"""
import json, pickle
from mribench.plugins import lookup
with open({str(tmp_path / "plugins")!r}, "rb") as file:
    pickled = pickle.load(file)
print(json.dumps([key for key in pickled if pickle.loads(pickled[key]) != lookup.load(*key)]))
"""
    ended = python(code)
    assert ended.code == 0, ended.err
    assert plugins and json.loads(ended.out.splitlines()[-1]) == []
