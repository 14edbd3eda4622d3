"""Named suites: the settings of a run in a TOML file, in the words of the command line. Two come with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from mribench.errors import InputError, unknown_name
from mribench.runner import runspec
from mribench.runner.runspec import RunSpec

_FOLDER = files("mribench") / "suites"


def names() -> list[str]:
    """Names of the suites that come with the package."""
    return sorted(
        file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml")
    )


def read(suite: str | Path, base: RunSpec | None = None) -> RunSpec:
    """The settings of a suite.

    Args:
        suite: the name of one that comes with the package, or the path of a TOML file, which ends in .toml.
        base: what holds where the suite says nothing; None is the defaults.

    Raises:
        InputError: there is no such suite, it is not TOML, or it holds an unknown word.
    """
    if str(suite) in names():
        return runspec.from_text(
            (_FOLDER / f"{suite}.toml").read_text(encoding="utf-8"), f"suite {suite}", base
        )
    if Path(suite).suffix == ".toml":
        return runspec.from_toml(Path(suite), base)
    expected = f"expected {', '.join(names())}, or the path of a .toml file"
    raise InputError(unknown_name("suite", str(suite), names(), expected))
