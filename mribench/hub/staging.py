"""From a request of the user to folders that may leave: released, redacted, scanned."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from mribench import figures, files, results
from mribench._version import __version__
from mribench.data.cards import terms
from mribench.errors import InputError
from mribench.hub import card, cells, data_names, layout, leak_scan, metadata, plain, redaction, release
from mribench.hub.cells import TrainedCell
from mribench.hub.plain import Recipe
from mribench.hub.redaction import Redactor
from mribench.hub.release import Release
from mribench.results import Result, schema
from mribench.spec import AuditVerdict, Score

MAX_SAMPLES = 64  # in the grid
# fields of a pipeline's configuration that may name a path of this machine
LOCAL_FIELDS = {"_name_or_path"}


@dataclass(frozen=True)
class PushRequest:
    """What the user asks to share."""

    run: Path
    repo: str | None = None  # ``user/name`` of the models
    cells: tuple[str, ...] = ()  # names or patterns; none means all
    board: str | None = None  # ``user/name`` of a data set repository for the records
    private: bool = False
    i_know: bool = False  # in spite of MEMORISES, or of terms that nobody checked
    eval_results: bool = False  # write ``.eval_results`` against the board


@dataclass(frozen=True)
class Staged:
    """A folder that may leave."""

    name: str
    repo: str | None  # None for a file
    folder: Path
    removed: Counter[str]  # traces taken out, by kind


def stage_cells(request: PushRequest, place: Path) -> list[Staged]:
    """A folder below ``place`` for each cell of a request. Raises InputError where one of them must not leave."""
    chosen = cells.trained_cells(request.run, request.cells)
    # every cell is checked before the first copy: weights are large, and a refusal must come at once
    for cell in chosen:
        audit = release.audit_of_weights(cell)
        release.check(cell.rows, audit, request.private, request.i_know, cell.name)
    repos = _repositories(request.repo, chosen)
    return [_stage_cell(cell, repo, request, place) for cell, repo in zip(chosen, repos, strict=True)]


def redactor_of(run: Path, records: Sequence[Result], published: Sequence[str | None]) -> Redactor:
    """The redactor of a run's records: it knows this machine, and the patients in their data.

    Args:
        run: the run folder.
        records: results of the run.
        published: repositories that the user named, whose names may be published.
    """
    anywhere, as_value = redaction.patient_traces(cells.prepared_sets(run, records))
    # what the user chose as the name of the data may be published, also where the folder has that name
    chosen = {str(result.comparability["data"]).lower() for result in records}
    anywhere |= data_names.traces(run, redaction.vocabulary() | chosen)
    return Redactor(redaction.machine_traces(run, filter(None, published)) | anywhere, as_value)


def redacted(result: Result, redactor: Redactor, pictures: Mapping[str, str] | None = None) -> Result:
    """A record without traces; its comparability key and digest are those of the redacted fields.

    Args:
        result: the record of a run.
        redactor: of that run.
        pictures: the figures that go with the record, path by kind.
    """
    shown = replace(result, figures=dict(pictures or {}))
    words = [f.name for f in fields(shown) if f.name not in ("scores", "edited")]
    clean = {name: redactor.redact(getattr(shown, name)) for name in words}
    scores = tuple(Score(**redactor.redact(asdict(score))) for score in result.scores)
    # what was edited before stays so: the digest is made anew of nothing else
    return Result(**clean, scores=scores, edited=result.edited)


def emptied(folder: Path) -> Path:
    """The folder, new or emptied."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def file_sizes(folder: Path) -> dict[str, int]:
    """Bytes by name of every file below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}


def _repositories(repo: str | None, chosen: Sequence[TrainedCell]) -> list[str | None]:
    """``user/name`` for one cell, ``user/name-<cell>`` for several."""
    if repo is None or len(chosen) == 1:
        return [repo] * len(chosen)
    return [f"{repo}-{cell.name}" for cell in chosen]


def _stage_cell(cell: TrainedCell, repo: str | None, request: PushRequest, place: Path) -> Staged:
    """Fill a new folder with what is shared of a cell. The same run gives the same bytes."""
    redactor = redactor_of(request.run, cell.of_weights, (repo, request.board))
    folder = emptied(place / cell.name)
    audit = release.audit_of_weights(cell)
    recipe = plain.recipe(cell)
    _write_networks(cell, recipe, folder, redactor)
    pictures = {}
    if _may_show_samples(cell, audit) and (samples := _sample_grid(cell)) is not None:
        # named by the cell, because several of them may be unpacked into one run folder
        drawn = f"_{cell.drawn}" if cell.drawn else ""
        pictures = {"samples": f"figures/{cell.checkpoint}{drawn}_samples.png"}
        figures.save(folder / pictures["samples"], samples)
    for result in (*cell.results, *cell.controls):
        results.write(folder, redacted(result, redactor, pictures if result in cell.results else {}))
    rows = redactor.redact(cell.rows)
    for stage in ("", *cell.stages):
        path = Path(stage) / "train.json"
        trained = schema.read(cell.folder / path, schema.Training, "run the same `mribench run` again")
        files.write_json(folder / layout.TRAINING / path, redactor.redact(trained))
    files.write_json(folder / layout.TRAINING / terms.TERMS, rows)
    destination = Release(repo, request.private, release.licence(cell.rows))
    text = card.markdown(cell, results.read_all([folder]), rows, redactor.redact(audit), destination, recipe)
    files.write_text(folder / "README.md", redactor.redact(text))
    if request.eval_results and request.board:
        yaml = metadata.eval_results(cell.results, request.board)
        files.write_text(folder / ".eval_results" / "mribench.yaml", redactor.redact(yaml))
    about = {"checkpoint": cell.checkpoint, "keep": cell.keep, "cell": cell.name, "mribench": __version__}
    about |= {"drawn": cell.drawn} if cell.drawn else {}
    layout.write_manifest(folder, about | ({"prefix": recipe.prefix} if recipe else {}))
    leak_scan.scan(folder, redactor)
    return Staged(cell.name, repo, folder, redactor.counts)


def _write_networks(cell: TrainedCell, recipe: Recipe | None, folder: Path, redactor: Redactor) -> None:
    """Every network of a cell: as plain diffusers where that can be, else as it was trained."""
    if recipe:
        plain.write(recipe, cell.pipeline, folder)
        _copy(cell.pipeline, folder / layout.TRAINING / cell.keep, redactor, with_weights=False)
    else:
        _copy(cell.pipeline, folder, redactor)
    for stage in cell.stages:
        _copy(cell.folder / stage / cell.keep, folder / layout.STAGES / stage, redactor)


def _copy(network: Path, folder: Path, redactor: Redactor, with_weights: bool = True) -> None:
    """Weights byte for byte, so that their sha256 stays that of the records; configurations without local paths."""
    for path in sorted(network.rglob("*")):
        target = folder / path.relative_to(network)
        if path.is_symlink():
            raise InputError(f"{path} is a link; put the file itself there")
        if path.suffix == ".safetensors" and with_weights:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        elif path.suffix == ".json":
            content = {k: v for k, v in files.read_json(path).items() if k not in LOCAL_FIELDS}
            files.write_json(target, redactor.redact(content))


def _may_show_samples(cell: TrainedCell, audit: Mapping[str, str]) -> bool:
    """Samples of a model that may have memorised patients are pictures of patients."""
    return cell.is_phantom or not AuditVerdict(audit["verdict"]).grave


def _sample_grid(cell: TrainedCell) -> np.ndarray | None:
    """uint8: up to 64 samples of the first sampler, without a caption; None where the run kept none."""
    for result in cell.results:
        path = cell.run / "outputs" / str(result.provenance.get("outputs")) / "outputs.npz"
        if result.task == "generation" and path.is_file():
            with np.load(path, allow_pickle=False) as outputs:
                return figures.grid(outputs["images"][:MAX_SAMPLES], 8)
    return None
