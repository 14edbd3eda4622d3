"""What was changed of a cell's finished stages since they were written.

Outputs and figures are then made again. Damaged weights are refused: making them again would cost a training.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mribench import files, manifest
from mribench.manifest import Damage
from mribench.progress import say
from mribench.results import Result

MADE = "made.json"


def of_result(out: Path, result: Result) -> list[Damage]:
    """What was changed of the outputs and figures of a finished result in the run folder ``out``.

    Outputs that were removed as a whole are not missed, nor are figures without the outputs that they show.
    """
    if result.not_applicable:
        return []
    folder = out / "outputs" / result.provenance["outputs"]
    of_figures = _figure_damages(out, folder.name, result)
    if not folder.is_dir():
        return [damage for damage in of_figures if not damage.is_missing]
    return manifest.damages(folder / manifest.NAME, quick=True) + of_figures


def _figure_damages(out: Path, name: str, result: Result) -> list[Damage]:
    path = figure_manifest(out, name)
    if path.exists():
        return manifest.damages(path, quick=True)
    # earlier versions left none
    pictures = (out / picture for picture in result.figures.values())
    return [Damage(picture, manifest.MISSING) for picture in pictures if not picture.is_file()]


def figure_manifest(out: Path, name: str) -> Path:
    return out / "figures" / f"{name}.{manifest.NAME}"


def has_record(folder: Path) -> bool:
    """Whether outputs of an earlier version, which have no manifest, have a readable ``made.json``."""
    try:
        return isinstance(files.read_json(folder / MADE), dict)
    except (OSError, ValueError):
        return False


def say_again(damaged: Iterable[Damage]) -> None:
    for damage in damaged:
        say(f"{damage}; it is made again")


def read_outputs(folder: Path) -> dict[str, np.ndarray] | None:
    """The arrays of outputs.npz; None where there are none, or none that can be read."""
    try:
        with np.load(folder / "outputs.npz", allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
