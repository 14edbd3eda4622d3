"""Which checks a plugin has to pass, run by hand, by pytest, or by ``mribench plugin check``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from mribench.errors import InputError
from mribench.plugins import lookup
from mribench.plugins.lookup import PluginEntry
from mribench.spec import Control, GenerativeModel, Integrator
from mribench.testing import (
    controls,
    features,
    generators,
    integrators,
    metrics,
    modalities,
    organ_fields,
    packaging,
    pretrained,
    readers,
    samplers,
    solvers,
    tasks,
    variants,
)
from mribench.testing.checking import Case, Check, Finding, raised_at, run_check

CHECKS = {
    "modalities": (*modalities.CHECKS, *organ_fields.CHECKS),
    "variants": variants.CHECKS,
    "models": pretrained.CHECKS,
    "samplers": samplers.CHECKS,
    "solvers": solvers.CHECKS,
    "tasks": tasks.CHECKS,
    "metrics": metrics.CHECKS,
    "features": features.CHECKS,
    "readers": readers.CHECKS,
}


# of the kinds that share a group with another
CHECKS_BY_KIND = {
    Control: controls.CHECKS,
    GenerativeModel: generators.CHECKS,
    Integrator: integrators.CHECKS,
}


def checks(group: str, plugin: Any) -> list[Check]:
    """The checks that a loaded plugin has to pass, cheap ones first."""
    return [*packaging.CHECKS, *CHECKS_BY_KIND.get(type(plugin), CHECKS[group])]


def check(group: str, name: str) -> Iterator[Finding]:
    """Every check of one installed plugin, one after the other. Raises InputError for an unknown name.

    A plugin that does not load has a single finding. Of several findings with one cause only the first is in full.
    """
    entry = _entry(group, name)
    try:
        case = Case(entry, lookup.load(group, name))
    except InputError as error:
        line = raised_at(entry, error.__cause__) if error.__cause__ else None
        mend = "correct that line" if line else "as the sentence says"
        yield Finding(group, name, "loads", "broken", str(error), line or entry.file, mend)
        return
    yield Finding(group, name, "loads", "ok")
    causes = set()
    for one in checks(group, case.plugin):
        finding = run_check(one, case)
        cause = finding.found, finding.where
        yield replace(finding, found="as above", where="", mend="") if cause in causes else finding
        if finding.state == "broken":
            causes.add(cause)


def conforms(group: str, name: str) -> Callable[..., None]:
    """A pytest test, one case per check: ``test_knee = conforms("modalities", "knee")``.

    Raises InputError or PluginError where the plugin is not installed or does not load. Notes become warnings.
    """
    import pytest

    case = Case(_entry(group, name), lookup.load(group, name))

    @pytest.mark.parametrize("check", [pytest.param(one, id=one.name) for one in checks(group, case.plugin)])
    def test(check: Check) -> None:
        finding = run_check(check, case)
        if finding.state == "broken":
            pytest.fail(str(finding), pytrace=False)
        if finding.state == "note":
            warnings.warn(str(finding), stacklevel=1)

    return test


def _entry(group: str, name: str) -> PluginEntry:
    lookup.choose(group)  # an unknown group is refused
    found = next((entry for entry in lookup.entries(group) if entry.name == name), None)
    if found is None:
        lookup.load(group, name)  # raises the sentence with a suggestion
    return found
