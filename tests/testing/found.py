"""What a check of the conformance kit finds in an object that no package brings."""

from mribench.plugins.lookup import PluginEntry
from mribench.testing.checking import Case, run_check


def finding(checks, run, plugin, group="modalities", name=None):
    """The finding of one check of a kind's ``CHECKS``."""
    check = next(check for check in checks if check.run is run)
    entry = PluginEntry(group, name or plugin.name, "nowhere:X", "mribench-try", "1.0", file=__file__)
    return run_check(check, Case(entry, plugin))


def assert_refused(checks, run, plugin, group, found):
    """The check says what was found, where, and how to mend it."""
    said = finding(checks, run, plugin, group)
    assert said.state == "broken" and found in said.found and said.where and said.mend, str(said)
