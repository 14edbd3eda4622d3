"""One JSON record per cell and task: scores, what they may be compared with, and what made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mribench import files
from mribench.errors import InputError
from mribench.spec import Score

SCHEMA = 1


@dataclass(frozen=True)
class Result:
    """A record as read back; it explains itself without any plugin installed.

    comparability: flat fields; two results compare only where all of them are equal. metrics: title, unit, direction by
    name. figures: paths relative to the run folder.
    """

    modality: str
    variant: str
    sampler: str | None
    seed: int
    task: str
    is_control: bool
    scores: tuple[Score, ...]
    comparability: Mapping[str, Any]
    data: Mapping[str, Any]
    provenance: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    reported: Mapping[str, Any] | None = None
    figures: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How the row is called: variant, and sampler where there is one."""
        return f"{self.variant} {self.sampler}" if self.sampler else self.variant

    @property
    def key(self) -> str:
        return files.key(dict(self.comparability))


def path_of(out: Path, result: Result) -> Path:
    """results/<modality>/<variant>[_<sampler>]_s<seed>_<task>_<key>.json; another key never overwrites."""
    row = "_".join(part for part in (result.variant, result.sampler) if part)
    return out / "results" / result.modality / f"{row}_s{result.seed}_{result.task}_{result.key}.json"


def write(out: Path, result: Result) -> Path:
    path = path_of(out, result)
    files.write_json(path, {"schema": SCHEMA, **asdict(result), "comparability_key": result.key})
    return path


def read(path: Path) -> Result:
    """Raises InputError where the file is not a result of this schema."""
    try:
        record = files.read_json(path)
        schema = record.pop("schema")
        record.pop("comparability_key")
        record["scores"] = tuple(Score(**score) for score in record["scores"])
        result = Result(**record)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is not a mribench result ({type(error).__name__}: {error}); delete or move it") from error
    if schema != SCHEMA:
        raise InputError(f"{path} has result schema {schema}; this mribench reads schema {SCHEMA}: run the cell again")
    return result


def read_all(folders: Iterable[Path]) -> list[Result]:
    """Every result below the folders, in a fixed order. Raises InputError where a folder holds none."""
    found: list[Result] = []
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"no folder {folder}; give the --out folder of a run")
        paths = sorted((folder / "results").rglob("*.json"))
        if not paths:
            raise InputError(f"no results in {folder}; expected {folder}/results/<modality>/*.json, as mribench run writes")
        found += [read(path) for path in paths]
    order = {result.key + result.name + str(result.seed): result for result in found}
    return [order[key] for key in sorted(order, key=lambda k: _sort_key(order[k]))]


def _sort_key(result: Result) -> tuple[Any, ...]:
    return result.modality, result.task, result.key, result.is_control, result.name, result.seed
