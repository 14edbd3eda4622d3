"""How one check is run, and what it finds: whether it holds, what was seen, where in the plugin, how to mend it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any, Literal

from mribench.errors import MribenchError
from mribench.plugins.lookup import PluginEntry
from mribench.progress import listener

KIT_FOLDER = Path(__file__).parent


class CheckFailed(Exception):
    """A check does not hold: what was found, and how to mend it."""

    def __init__(self, found: str, mend: str):
        super().__init__(found)
        self.found, self.mend = found, mend


class CheckWarning(CheckFailed):
    """Worth a look, and no reason to fail: the machine, or an author's choice, may explain it."""


@dataclass(frozen=True)
class Case:
    """One plugin under test."""

    entry: PluginEntry
    plugin: Any  # the object that the entry point names


@dataclass(frozen=True)
class Check:
    """One claim about a plugin; its name is that of the function."""

    field: str  # of the plugin's object, for ``Finding.where``; empty for the object as a whole
    run: Callable[[Case], None]  # raises CheckFailed or CheckWarning

    @property
    def name(self) -> str:
        return self.run.__name__.strip("_").replace("_", " ")


@dataclass(frozen=True)
class Finding:
    """What one check says of one plugin."""

    group: str
    plugin: str
    check: str
    state: Literal["ok", "note", "broken"]  # note: worth a look, and no failure
    found: str = ""
    where: str = ""  # file and line in the plugin
    mend: str = ""

    def __str__(self) -> str:
        head = f"{self.state:<6} {self.group} {self.plugin}: {self.check}"
        details = (("found", self.found), ("where", self.where), ("mend", self.mend))
        return "\n".join([head, *(f"         {title}: {text}" for title, text in details if text)])


def require(holds: Any, found: str, mend: str) -> None:
    """Raise CheckFailed with both sentences unless it holds."""
    if not holds:
        raise CheckFailed(found, mend)


def run_check(check: Check, case: Case) -> Finding:
    """Run one check. Whatever the plugin's code raises is a finding and never an error of the kit."""
    names = case.entry.group, case.entry.name, check.name
    before = listener.set(_Silent())  # trainings and samplings of a check are no news
    try:
        check.run(case)
    except CheckFailed as failure:
        state = "note" if isinstance(failure, CheckWarning) else "broken"
        return Finding(*names, state, failure.found, _where(case, check.field, None), failure.mend)
    except Exception as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())
        contract = f"it was called as the docstring of mribench.spec.{type(case.plugin).__name__} says"
        mend = "as the sentence says" if isinstance(error, MribenchError) else contract
        return Finding(*names, "broken", found, _where(case, check.field, error), mend)
    finally:
        listener.reset(before)
    return Finding(*names, "ok")


class _Silent:
    """A ``ProgressListener`` that shows nothing."""

    def say(self, text: str) -> None:
        pass

    def show(self, title: str, done: int, total: int, note: str) -> None:
        pass


def _where(case: Case, field: str, error: Exception | None) -> str:
    """The line of the plugin that raised, else where the field under test is defined, else the module."""
    if error and (line := raised_at(case.entry, error)):
        return line
    function = getattr(case.plugin, field, None)
    code = getattr(inspect.unwrap(function), "__code__", None) if function else None
    return f"{code.co_filename}:{code.co_firstlineno}" if code else case.entry.file


def raised_at(entry: PluginEntry, error: BaseException) -> str | None:
    """``file:line`` of the plugin's own code that an error came from, None where it came from elsewhere."""
    frames = [(frame.filename, frame.lineno) for frame in extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))  # a file that cannot be parsed never ran
    package = Path(entry.file).parent
    for file, line in reversed(frames):
        in_plugin = entry.file and Path(file).is_relative_to(package)
        if in_plugin and not Path(file).is_relative_to(KIT_FOLDER):
            return f"{file}:{line}"
    return None
