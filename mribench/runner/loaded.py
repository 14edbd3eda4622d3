"""What ``mribench.load`` returns: the results of a run, to be read in Python or in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import escape

from mribench import results
from mribench.board import columns, short
from mribench.board.boards import Board, boards
from mribench.data.store import dataset
from mribench.errors import InputError
from mribench.results import Result
from mribench.runner.damage import read_outputs
from mribench.spec import Prepared

if TYPE_CHECKING:
    import pandas

IMAGES = "generation"  # the task whose outputs are images of nothing but the model


@dataclass(frozen=True)
class Best:
    """The trained rows of one board that no other row is ahead of."""

    modality: str
    data: str
    profile: str
    rows: tuple[
        str, ...
    ]  # names, such as 'ddpm dpm-solver-16'; several where the numbers do not tell them apart
    reason: str | None = None  # why there is none


class Run:
    """The results of a run folder or kept board.

    Attributes:
        folder: where they lie.
        results: every record, in a fixed order.
        boards: the records sorted into boards, each of results that may be compared.

    Raises:
        InputError: there are no results in the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results: list[Result] = results.read_all([folder])

    @cached_property
    def boards(self) -> list[Board]:
        return boards(self.results)

    def to_frame(self) -> pandas.DataFrame:
        """One line for each score of each record, with its 95 % interval over the test subjects.

        Columns: modality, data, profile, variant, sampler, seed, task, control, metric, space, level, value, low, high,
        n, n_reference, subjects, reason (why a value is blank).

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise InputError("a data frame needs the package pandas, which is not installed") from error
        return pandas.DataFrame(
            {
                "modality": result.modality,
                "data": result.comparability["data"],
                "profile": result.comparability["profile"],
                "variant": result.variant,
                "sampler": result.sampler,
                "seed": result.seed,
                "task": result.task,
                "control": result.is_control,
                **{name: getattr(score, name) for name in SCORE},
            }
            for result in self.results
            for score in result.scores
        )

    def best(self) -> list[Best]:
        """Of each board the trained rows whose rank interval begins at 1, or why nothing is ranked."""
        return [_best(board) for board in self.boards]

    def samples(
        self,
        variant: str,
        modality: str | None = None,
        sampler: str | None = None,
        seed: int | None = None,
    ) -> np.ndarray:
        """The generated images that were scored: uint8 (N, H, W).

        Args:
            variant: as in a run, a control too.
            modality: the organ. None will do where the run has one.
            sampler: such as "ddim-50". None will do where the run has one.
            seed: of the training. None will do where the run has one.

        Raises:
            InputError: no record, or more than one, is of what was asked for, or its images are not in the folder.
        """
        asked = {"modality": modality, "variant": variant, "sampler": sampler, "seed": seed}
        named = {name: value for name, value in asked.items() if value is not None}
        made = [result for result in self.results if result.task == IMAGES and not result.not_applicable]
        found = [r for r in made if all(getattr(r, name) == value for name, value in named.items())]
        if len(found) != 1:
            choice = ", ".join(dict.fromkeys(f"{r.modality} {r.name} seed {r.seed}" for r in found or made))
            words = " ".join(map(str, named.values()))
            raise InputError(
                f"{self.folder} holds {len(found)} sets of images of {words}; name one of: {choice}"
            )
        name = found[0].provenance.get("outputs")
        images = read_outputs(self.folder / "outputs" / str(name)) if name else None
        if images is None:
            raise InputError(
                f"the images of {found[0].modality} {found[0].name} are not in {self.folder}; run it again with this "
                "folder as --out (a kept board holds no images)"
            )
        return images["images"]

    def data(self, modality: str | None = None) -> Prepared:
        """The prepared images of an organ: training, validation and test split, proved by their content key.

        Args:
            modality: the organ. None will do where the run has one.

        Raises:
            InputError: the records are of no such organ or of several sets, or the set is not in the folder.
            DataError: the set was changed.
        """
        found = {
            r.provenance["data_key"]: r.modality
            for r in self.results
            if modality in (None, r.modality) and not r.not_applicable
        }
        if len(found) != 1:
            choice = ", ".join(sorted({r.modality for r in self.results}))
            raise InputError(
                f"{self.folder} holds records of {len(found)} sets of {modality or 'all organs'}, expected one; name "
                f"one organ of: {choice}"
            )
        (key,) = found
        for manifest in sorted((self.folder / "data").glob("*/manifest.json")):
            if dataset.read_manifest(manifest.parent)["key"] == key:
                return dataset.load(manifest.parent)
        raise InputError(
            f"the prepared images of {found[key]} are not in {self.folder}; run it again with this folder as --out (a "
            "kept board holds no images)"
        )

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __repr__(self) -> str:
        boards = f"{len(self.boards)} board{'s' * (len(self.boards) != 1)}"
        lines = [f"{self.folder}: {len(self)} results on {boards}"]
        for title, titles, texts in self._tables():
            widths = [max(map(len, column)) for column in zip(titles, *texts, strict=True)]
            cells = ([cell.ljust(n) for cell, n in zip(row, widths, strict=True)] for row in [titles, *texts])
            lines += [title, *("  " + "  ".join(row).rstrip() for row in cells)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """What a notebook shows: the short table of every board."""

        def row(tag: str, cells: list[str]) -> str:
            return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

        tables = [
            f"<table><caption>{escape(title)}</caption>{row('th', titles)}"
            f"{''.join(row('td', cells) for cells in texts)}</table>"
            for title, titles, texts in self._tables()
        ]
        return f"<p>{escape(self.folder)}: {len(self)} results</p>{''.join(tables)}"

    def _tables(self) -> Iterator[tuple[str, list[str], list[list[str]]]]:
        """Title, headings and lines of every board."""
        for board in self.boards:
            table = short.short(board)
            yield columns.one_line(board), table.titles, table.texts()


SCORE = (
    "metric",
    "space",
    "level",
    "value",
    "low",
    "high",
    "n",
    "n_reference",
    "subjects",
    "reason",
)


def _best(board: Board) -> Best:
    ranks = [(row.name, board.ranks[row.name]) for row in board.trained]
    first = tuple(name for name, rank in ranks if rank.best == 1)
    reasons = dict.fromkeys(rank.reason for _, rank in ranks if rank.reason)
    reason = None if first else "; ".join(reasons) or board.why_unranked or "nothing was trained"
    fields = board.comparability
    return Best(board.modality, str(fields["data"]), str(fields["profile"]), first, reason)
