"""The folder of one trained cell as it leaves: pipeline, card, records, a grid of samples; no trace of its machine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from mribench import figures, files, results
from mribench._version import __version__
from mribench.data.cards import terms
from mribench.errors import InputError
from mribench.hub import card, layout, search
from mribench.hub.cells import TrainedCell
from mribench.hub.traces import Traces
from mribench.results import Result
from mribench.spec import AuditVerdict, Score

GRID = 64
# what a pipeline's configuration may say of where it was made
LOCAL_FIELDS = {"_name_or_path"}


def stage(
    cell: TrainedCell,
    folder: Path,
    traces: Traces,
    audit: Mapping[str, Any],
    use: card.Use,
    extra: Mapping[str, str],
) -> None:
    """Fill ``folder`` (new and empty) with what is shared of a cell. The same run gives the same bytes.

    audit: the verdict on memorisation; extra: further texts by name. Raises InputError where a
    trace would be left; then nothing may be sent.
    """
    _pipeline(cell, folder, traces)
    pictures = {}
    if _may_show(cell, audit) and (samples := _grid(cell)) is not None:
        # named by the cell: several of them may be laid out in one run folder
        pictures = {"samples": f"figures/{cell.checkpoint}_samples.png"}
        figures.save(folder / pictures["samples"], samples)
    for result in (*cell.results, *cell.controls):
        results.write(folder, public(result, traces, pictures if result in cell.results else {}))
    trained = files.read_json(cell.folder / "train.json")
    files.write_json(folder / layout.TRAINING / "train.json", traces.cleaned(trained))
    files.write_json(folder / layout.TRAINING / terms.TERMS, traces.cleaned(cell.rows))
    text = card.text(cell, results.read_all([folder]), traces.cleaned(cell.rows), traces.cleaned(audit), use)
    files.write_text(folder / "README.md", traces.cleaned(text))
    for name, words in extra.items():
        files.write_text(folder / name, traces.cleaned(words))
    about = {"checkpoint": cell.checkpoint, "keep": cell.pipeline.name, "cell": cell.name}
    layout.write_manifest(folder, about | {"mribench": __version__})
    search.check(folder, traces)


def public(result: Result, traces: Traces, pictures: Mapping[str, str] | None = None) -> Result:
    """A record without traces; its comparability key is that of what is left. pictures: kind -> path."""
    shown = replace(result, figures=dict(pictures or {}))
    clean = {f.name: traces.cleaned(getattr(shown, f.name)) for f in fields(shown) if f.name != "scores"}
    scores = tuple(Score(**traces.cleaned(asdict(score))) for score in result.scores)
    return Result(**clean, scores=scores)


def _pipeline(cell: TrainedCell, folder: Path, traces: Traces) -> None:
    """Weights byte for byte, so that their sha256 stays that of the records; configurations without local paths."""
    for path in sorted(cell.pipeline.rglob("*")):
        target = folder / path.relative_to(cell.pipeline)
        if path.is_symlink():
            raise InputError(f"{path} is a link; put the file itself there")
        if path.suffix == ".safetensors":
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        elif path.suffix == ".json":
            content = files.read_json(path)
            kept = {k: v for k, v in content.items() if k not in LOCAL_FIELDS}
            files.write_json(target, traces.cleaned(kept))


def _may_show(cell: TrainedCell, audit: Mapping[str, Any]) -> bool:
    """Samples of a model that may have memorised patients are pictures of patients."""
    return cell.is_phantom or not AuditVerdict(audit["verdict"]).grave


def _grid(cell: TrainedCell) -> np.ndarray | None:
    """uint8: up to 64 samples of the first sampler, without a caption; None where the run kept none."""
    for result in cell.results:
        path = cell.run / "outputs" / str(result.provenance.get("outputs")) / "outputs.npz"
        if result.task == "generation" and path.is_file():
            with np.load(path, allow_pickle=False) as outputs:
                return figures.grid(outputs["images"][:GRID], 8)
    return None
