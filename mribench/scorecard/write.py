"""From a run folder to a folder of scorecards, with the sheets and answers of reader studies beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mribench import files, hashing, results
from mribench.board.boards import Board, boards
from mribench.board.rows import Row
from mribench.board.task_names import GENERATION
from mribench.data.store import dataset
from mribench.errors import InputError
from mribench.results import Result
from mribench.runner.damage import read_outputs
from mribench.scorecard import page, reading
from mribench.scorecard.criteria import criteria


@dataclass(frozen=True)
class Generator:
    """A trained row of a board, and what its files are called."""

    board: Board
    row: Row
    stem: str


def write(
    run: Path,
    out: Path,
    modalities: Collection[str] = (),
    variants: Collection[str] = (),
    readers: int | None = None,
    answered: Sequence[Path] = (),
) -> list[Path]:
    """Write the scorecards of a run.

    Args:
        run: a run folder or kept board. Pictures and sheets need the images of a run folder.
        out: folder of the pages.
        modalities: organs; none: all.
        variants: trained variants; none: all.
        readers: also a sheet with as many generated and as many real images for each generator.
        answered: files that readers saved from sheets of ``out``; they are copied there and count from then on.

    Returns:
        The scorecards.

    Raises:
        InputError: nothing is there to write about, images are missing, or answers belong to no sheet.
    """
    found = _generators(results.read_all([run]), modalities, variants)
    if not found:
        asked = ", ".join([*modalities, *variants]) or "any trained variant"
        raise InputError(f"{run} has no results of {asked}; name what `mribench leaderboard {run}` prints")
    _take_in(answered, out, found)
    if readers is not None:
        # all are made before the first is written
        sheets = {one.stem: _sheet(run, one, readers) for one in found}
        for one in found:
            # the name of the method would be no secret to a reader
            text = page.reading_sheet(one.board.organ, sheets[one.stem])
            files.write_text(out / f"{one.stem}_reading.html", text)
            files.write_json(out / f"{one.stem}_reading-key.json", sheets[one.stem].key)
    return [_write_card(run, out, one) for one in found]


def _generators(
    found: Sequence[Result], modalities: Collection[str], variants: Collection[str]
) -> list[Generator]:
    rows = [
        (board, row)
        for board in boards(found)
        for row in board.trained
        if (not modalities or board.modality in modalities) and (not variants or row.variant in variants)
    ]
    names = [f"{board.modality}_{row.name.replace(' ', '_')}" for board, row in rows]
    # the same row on another board of the organ: other data or another budget
    several = Counter(names)
    keys = [row.results[0].key[:8] for _, row in rows]
    stems = [f"{name}_{key}" if several[name] > 1 else name for name, key in zip(names, keys, strict=True)]
    return [Generator(board, row, stem) for (board, row), stem in zip(rows, stems, strict=True)]


def _write_card(run: Path, out: Path, one: Generator) -> Path:
    images = _images(run, one.row)
    shown = [page.data_url(image) for image in images[: page.SHOWN]] if images is not None else []
    sheet = f"{one.stem}_reading.html"
    text = page.scorecard(
        one.board,
        one.row,
        criteria(one.board, one.row),
        reading.sentences(_readers(out, one)),
        sheet if (out / sheet).is_file() else "",
        shown,
    )
    files.write_text(out / f"{one.stem}.html", text)
    return out / f"{one.stem}.html"


def _images(run: Path, row: Row) -> np.ndarray | None:
    """uint8 (N, H, W) of the first training seed; None where they are not in the folder."""
    for result in sorted(row.results, key=lambda result: result.seed):
        name = result.provenance.get("outputs")
        if (
            result.task == GENERATION
            and name
            and (read_ := read_outputs(run / "outputs" / str(name))) is not None
        ):
            return read_.get("images")
    return None


def _sheet(run: Path, one: Generator, n: int) -> reading.Sheet:
    generated = _images(run, one.row)
    if generated is None:
        raise InputError(
            f"the images of {one.stem} are not in {run}, and a sheet shows them; run it again with this folder as --out"
        )
    key = one.row.results[0].provenance.get("data_key")
    # fields of a set lie in a folder beside it, which has no manifest
    for manifest in sorted((run / "data").glob(f"{one.board.modality}-*/{dataset.MANIFEST}")):
        if dataset.read_manifest(manifest.parent).get("key") == key:
            return reading.sheet(generated, dataset.load(manifest.parent).test, n)
    raise InputError(
        f"the data of {one.stem} are not in {run / 'data'}, and a sheet shows test images; run it again with this "
        "folder as --out"
    )


def _take_in(answered: Sequence[Path], out: Path, found: Sequence[Generator]) -> None:
    """Copy answers to the sheet that they belong to, after all of them were judged once."""
    keys = {path: files.read_json(path) for one in found if (path := _key_of(out, one)).is_file()}
    copies: dict[Path, Path] = {}
    for path in answered:
        given = reading.answers(path)
        key = next((key for key, of in keys.items() if of["sheet"] == given["sheet"]), None)
        if key is None:
            raise InputError(
                f"{path} answers sheet {given['sheet']}, and no sheet in {out} is that one; name the --out that made it"
            )
        reading.read(path, keys[key])
        # by content, so that answers that are given twice count once
        name = key.name.replace("_reading-key", f"_answers-{hashing.file_sha256(path)[:12]}")
        copies[path] = key.with_name(name)
    for path, to in copies.items():
        files.write_bytes(to, path.read_bytes())


def _readers(out: Path, one: Generator) -> list[reading.Reader]:
    if not _key_of(out, one).is_file():
        return []
    key = files.read_json(_key_of(out, one))
    return [reading.read(path, key) for path in sorted(out.glob(f"{one.stem}_answers-*.json"))]


def _key_of(out: Path, one: Generator) -> Path:
    return out / f"{one.stem}_reading-key.json"
