"""What a run folder has trained, to be sampled from again without training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mribench import results
from mribench.errors import InputError
from mribench.results import Result


def checkpoints(path: Path, modalities: Sequence[str] = ("all",)) -> tuple[Path, list[Result]]:
    """The run folder, and for each of its checkpoints one record, which ``verify.again`` makes a cell from.

    path: a run folder, or one folder below its ``train/``. Raises InputError where no finished cell is there.
    """
    one = (path / "train.json").exists()
    out = path.resolve().parents[1] if one else path
    found: dict[str, Result] = {}
    for result in results.read_all([out]):
        name = result.provenance["checkpoint"]
        wanted = "all" in modalities or result.modality in modalities
        if name and wanted and result.task == "generation" and (not one or name == path.resolve().name):
            found.setdefault(name, result)
    if not found:
        raise InputError(
            f"no generation by a trained variant is recorded for {path}; give the --out folder of a run, or one "
            "folder below its train/"
        )
    return out, list(found.values())
