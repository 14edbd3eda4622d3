"""What ``mribench score`` is asked, beside what is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mribench.data.globs import ALL_FILES, Globs
from mribench.runner import runspec

GENERATION = "generation"


@dataclass(frozen=True)
class Settings:
    """The options of the command line."""

    against: str  # a card's id, a file or folder, a prepared set, or ``phantom:ORGAN``
    task: str = GENERATION  # or one that compares restored images pair by pair
    trained_on: str | None = None  # the same for what the model was trained on; None: unknown
    out: Path = Path("runs/score")
    name: str | None = None  # of the row; None: from the content
    beside: tuple[Path, ...] = ()  # run folders and kept boards whose rows it is to stand beside
    modality: str | None = None  # the organ, where the data do not tell
    data_name: str | None = None  # what boards call the user's own data
    skip_broken: bool = False  # leave out the user's own files that cannot be read
    globs: Globs = ALL_FILES  # which of the user's own files are read
    profile: str | None = None
    n: int | None = None  # images that are scored, in place of the profile's
    seed: int = 0
    steps: int | None = None  # of a pipeline
    controls: tuple[str, ...] | None = None  # None: those of a run
    features: tuple[str, ...] = runspec.FEATURES
    metrics: tuple[str, ...] = ()


def settings_of(lists: Mapping[str, str | Sequence[str] | None]) -> dict[str, tuple[str, ...]]:
    """Names of controls, feature spaces and metrics, as a list or comma-separated; None leaves the default."""
    return {
        word: tuple(runspec.split(word, names) if isinstance(names, str) else names)
        for word, names in lists.items()
        if names is not None
    }
