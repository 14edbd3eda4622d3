"""Where records lie: results/<modality>/*.json of a run folder, or records/<modality>.jsonl.zst of a kept board."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from mribench import files
from mribench.errors import Damaged, InputError
from mribench.results import kept, schema
from mribench.results.record import SCHEMA, Result, earlier_names, from_json, sort_key, to_json
from mribench.spec import Score

# by how much numbers of one cell may differ: another processor rounds elsewhere, a kept board keeps eight digits
OF_THE_INTERVAL = 1e-3
OF_THE_VALUE = 1e-6
# all that ``read_all`` reads of a folder, as glob patterns
PATTERNS = ["results/**", f"{kept.FOLDER}/*{kept.SUFFIX}", kept.ONE_FILE]


def path_of(out: Path, result: Result) -> Path:
    """results/<modality>/<variant>[_<sampler>]_s<seed>_<task>_<key>.json; another key never overwrites."""
    versions = "-".join(f"{part}-v{n}" for part, n in result.versions.items() if n > 1)
    row = "_".join(part for part in (result.variant, result.sampler, versions) if part)
    return out / "results" / result.modality / f"{row}_s{result.seed}_{result.task}_{result.key}.json"


def file_of(out: Path, result: Result) -> Path:
    """The file of a run folder or kept board that holds a record."""
    places = path_of(out, result), kept.path_of(out, result.modality), out / kept.ONE_FILE
    return next((path for path in places if path.is_file()), places[0])


def write(out: Path, result: Result) -> Path:
    """One record as a run keeps it: a JSON file of its own."""
    path = path_of(out, result)
    files.write_json(path, to_json(result))
    for earlier in earlier_names(result):
        path_of(out, earlier).unlink(missing_ok=True)
    return path


def read(path: Path) -> Result:
    """One JSON file. Raises InputError where it is not a result of this schema."""
    try:
        record = schema.decode(path.read_bytes())
        version = record.get("schema", SCHEMA) if isinstance(record, dict) else SCHEMA
        if version == SCHEMA:
            return from_json(record)
    except ValueError as error:
        raise Damaged(f"{path} is not a mribench result ({error}); delete or move it") from error
    raise InputError(
        f"{path} has result schema {version!r}, expected {SCHEMA}; run the cell again with this mribench"
    )


def holds(folder: Path) -> bool:
    """Whether a folder is a run folder or a kept board."""
    return (folder / "results").is_dir() or bool(kept.paths(folder))


def read_all(paths: Iterable[Path], leave_out: Callable[[str], object] | None = None) -> list[Result]:
    """Every result below the paths, in a fixed order; one that several of them hold counts once.

    Args:
        paths: run folders, kept boards, or the records files of kept boards.
        leave_out: a record that cannot be read is left out, and this is given one sentence that says so. None: such a
            record is an InputError.

    Raises:
        InputError: one of them holds no result, or two hold different scores of one cell and task.
    """
    found: dict[tuple[Any, ...], tuple[Path, Result]] = {}
    refused: list[str] = []
    for path in paths:
        for file, result in _each(path, None if leave_out is None else refused):
            other, known = found.setdefault(sort_key(result), (file, result))
            if known is not result and not _agree(known.scores, result.scores):
                sentence = f"{other} and {file} give different scores of one cell; leave one of them out"
                if leave_out is None or not other.is_relative_to(path):
                    raise InputError(sentence)
                # anybody may add a file to a shared board: the one under the name of its cell counts
                if file == path_of(path, result):
                    found[sort_key(result)] = file, result
                    file = other
                refused.append(f"{sentence} ({file} is)")
    if refused and not found:
        more = f" (and {len(refused) - 1} more like it)" if len(refused) > 1 else ""
        raise InputError(f"no record can be read: {refused[0]}{more}")
    for sentence in refused:
        assert leave_out is not None
        leave_out(f"left out: {sentence}")
    return [found[key][1] for key in sorted(found)]


def _agree(scores: Sequence[Score], others: Sequence[Score]) -> bool:
    """Whether the scores of two records of one cell are the same but for rounding."""
    if len(scores) != len(others):
        return False
    return all(
        _but_numbers(a) == _but_numbers(b) and _near(a, b) for a, b in zip(scores, others, strict=True)
    )


def _but_numbers(score: Score) -> Score:
    return replace(score, value=None, low=None, high=None, per_subject=(), subsamples=())


def _near(score: Score, other: Score) -> bool:
    def numbers(of: Score) -> list[float | None]:
        return [of.value, of.low, of.high, *of.per_subject, *of.subsamples]

    pairs = list(zip_longest(numbers(score), numbers(other)))
    if any((a is None) != (b is None) for a, b in pairs):
        return False
    width = 0.0 if score.low is None or score.high is None else score.high - score.low
    return all(
        a is None or b is None or abs(a - b) <= OF_THE_INTERVAL * width + OF_THE_VALUE * abs(a)
        for a, b in pairs
    )


def _each(path: Path, refused: list[str] | None) -> list[tuple[Path, Result]]:
    """(file, result) of a path, at least one, unless some were ``refused``."""
    if path.is_file() and path.suffix == ".zst":
        found = [path]
    elif path.is_dir():
        # a killed writer leaves a temporary file, whose name begins with a dot
        found = sorted(p for p in (path / "results").rglob("*.json") if not p.name.startswith("."))
        found += kept.paths(path)
    else:
        raise InputError(f"no folder {path}; give the --out folder of a run, or a kept board")
    pairs: list[tuple[Path, Result]] = []
    for file in found:
        try:
            several = [read(file)] if file.suffix == ".json" else kept.read(file, refused)
        except InputError as error:
            if refused is None:
                raise
            refused.append(str(error))
        else:
            pairs += [(file, result) for result in several]
    if not pairs and not refused:
        raise InputError(
            f"no results in {path}; expected {path}/results/<modality>/*.json of a run, or "
            f"{kept.path_of(path, '<modality>')} of a kept board"
        )
    return pairs


def copy(source: Path, target: Path) -> None:
    """Bring the records of a folder into another that holds none, byte for byte."""
    if (source / "results").is_dir():
        shutil.copytree(source / "results", target / "results")
    for path in kept.paths(source):
        copied = target / path.relative_to(source)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)


def add(board: Path, found: Sequence[Result]) -> None:
    """Put results into a kept board, in place of those of the same cells.

    A folder that holds results/*.json, a run or an older board, stays in that form; an older board of one file becomes
    a file for each organ.
    """
    if (board / "results").is_dir():
        for result in found:
            write(board, result)
        return
    known = [result for path in kept.paths(board) for result in kept.read(path)]
    of_organ: dict[str, dict[tuple[Any, ...], Result]] = {}
    for result in (*known, *found):
        of_organ.setdefault(result.modality, {})[sort_key(result)] = result
    for modality, records in of_organ.items():
        kept.write(kept.path_of(board, modality), records.values())
    (board / kept.ONE_FILE).unlink(missing_ok=True)
