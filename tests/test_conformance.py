"""Every installed plugin, ours and anybody's, holds to what ``mribench plugin check`` asks."""

import warnings

import pytest

from mribench.plugins import lookup
from mribench.spec import GenerativeModel, Integrator, Variant
from mribench.testing.checking import Case, run_check
from mribench.testing.kit import checks


def cases():
    """Of the trained variants and the integrators of a package the first by default; the others are slow."""
    seen = set()
    for entry in lookup.choose():
        plugin = lookup.load(entry.group, entry.name)
        trains = isinstance(plugin, Variant | GenerativeModel | Integrator)
        again = trains and (entry.distribution, type(plugin)) in seen
        seen.add((entry.distribution, type(plugin)))
        for check in checks(entry.group, plugin):
            name = f"{entry.group} {entry.name}: {check.name}"
            yield pytest.param(check, Case(entry, plugin), id=name, marks=pytest.mark.slow if again else ())


@pytest.mark.parametrize(("check", "case"), list(cases()))
def test_an_installed_plugin_conforms(check, case):
    finding = run_check(check, case)
    assert finding.state != "broken", str(finding)
    if finding.state == "note":
        warnings.warn(str(finding), stacklevel=1)
