"""What a check finds: whether it holds, what was seen, where in the plugin, how to mend it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any, Literal

from mribench.errors import MribenchError
from mribench.plugins.lookup import Entry

KIT = Path(__file__).parent


class Unfit(Exception):
    """A check does not hold: what was found, and how to mend it."""

    def __init__(self, found: str, mend: str):
        super().__init__(found)
        self.found, self.mend = found, mend


class Doubt(Unfit):
    """Worth a look, and no reason to fail: the machine, or an author's choice, may explain it."""


@dataclass(frozen=True)
class Case:
    """One plugin under test: its entry point, and the object that it names."""

    entry: Entry
    plugin: Any


@dataclass(frozen=True)
class Check:
    """part: the field of the plugin's object that is looked at, for ``Finding.where``; run raises Unfit or Doubt."""

    part: str
    run: Callable[[Case], None]

    @property
    def name(self) -> str:
        return self.run.__name__.strip("_").replace("_", " ")


@dataclass(frozen=True)
class Finding:
    """state: ``ok``, ``note`` (worth a look) or ``broken``. where: file and line in the plugin."""

    group: str
    plugin: str
    check: str
    state: Literal["ok", "note", "broken"]
    found: str = ""
    where: str = ""
    mend: str = ""

    def __str__(self) -> str:
        head = f"{self.state:<6} {self.group} {self.plugin}: {self.check}"
        about = (("found", self.found), ("where", self.where), ("mend", self.mend))
        return "\n".join([head, *(f"         {word}: {text}" for word, text in about if text)])


def require(holds: Any, found: str, mend: str) -> None:
    """Raise Unfit with both sentences unless it holds."""
    if not holds:
        raise Unfit(found, mend)


def judged(check: Check, case: Case) -> Finding:
    """Run one check. Whatever the plugin's code raises is a finding and never an error of the kit."""
    about = case.entry.group, case.entry.name, check.name
    try:
        check.run(case)
    except Unfit as said:
        state = "note" if isinstance(said, Doubt) else "broken"
        return Finding(*about, state, said.found, _where(case, check.part, None), said.mend)
    except Exception as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())
        called = f"it was called as the docstring of mribench.spec.{type(case.plugin).__name__} says"
        mend = "as the sentence says" if isinstance(error, MribenchError) else called
        return Finding(*about, "broken", found, _where(case, check.part, error), mend)
    return Finding(*about, "ok")


def _where(case: Case, part: str, error: Exception | None) -> str:
    """The line of the plugin that raised, else where the part under test is defined, else the module."""
    if error and (line := raised_at(case.entry, error)):
        return line
    code = getattr(inspect.unwrap(getattr(case.plugin, part, None) or _nowhere), "__code__", None)
    if code is None or code is _nowhere.__code__:
        return case.entry.file
    return f"{code.co_filename}:{code.co_firstlineno}"


def raised_at(entry: Entry, error: BaseException) -> str | None:
    """``file:line`` of the plugin's own code that an error came from, None where it came from elsewhere."""
    frames = [(frame.filename, frame.lineno) for frame in extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno))  # what cannot be read never ran
    package = Path(entry.file).parent
    for file, line in reversed(frames):
        inside = entry.file and Path(file).is_relative_to(package)
        if inside and not Path(file).is_relative_to(KIT):
            return f"{file}:{line}"
    return None


def _nowhere() -> None: ...
