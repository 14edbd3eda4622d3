"""The trained cells of a run folder: each is published by itself, with its results and the controls beside it.

Cells may share a training: of all organs, or of two variants that are drawn differently. Each is published with the
weights, and what was found about the weights by any of them is told by all.
"""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from mribench.board.boards import boards
from mribench.data.cards import terms
from mribench.data.store import dataset
from mribench.errors import InputError, some_of
from mribench.hub import data_names
from mribench.results import Result
from mribench.spec import Prepared
from mribench.training import folder

# the only names of folders that a stranger's record may give
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


@dataclass(frozen=True)
class TrainedCell:
    """One organ, variant and seed."""

    run: Path
    name: str  # ``brain-ddpm-s0``, with the checkpoint's hash where a run has several cells of that name
    checkpoint: str  # name of its folder below ``train/``
    results: tuple[Result, ...]  # of its samplers and tasks
    beside: tuple[Result, ...]  # all of the run

    @property
    def controls(self) -> tuple[Result, ...]:
        """Those that share a board with the cell."""
        modality = self.results[0].modality
        joined = [r for r in self.beside if r.modality == modality and (r.is_control or r in self.results)]
        shared = [board.members for board in boards(joined) if any(r in self.results for r in board.members)]
        return tuple(r for members in shared for r in members if r.is_control)

    @property
    def of_weights(self) -> tuple[Result, ...]:
        """The results of all cells that share its weights: of a joint training those of other organs too."""
        return tuple(r for r in self.beside if r.provenance.get("checkpoint") == self.checkpoint)

    @property
    def drawn(self) -> str | None:
        """``brain-joint``, what is drawn of weights that serve several organs; None of weights of one organ."""
        first = self.results[0]
        return f"{first.modality}-{first.variant}" if first.organs else None

    @property
    def organs(self) -> tuple[str, ...]:
        """Those whose images the weights have seen, by their names."""
        return self.results[0].organs or (self.results[0].modality,)

    @property
    def folder(self) -> Path:
        return self.run / "train" / self.checkpoint

    @property
    def keep(self) -> str:
        """``best`` or ``last``: the weights that were sampled."""
        return str(self.results[0].provenance["profile"]["keep"])

    @property
    def pipeline(self) -> Path:
        """The diffusers pipeline that was sampled: moving average where the profile keeps one.

        A model that is no ``Variant`` has none; its networks are those of its stages.
        """
        return self.folder / self.keep

    @property
    def stages(self) -> tuple[str, ...]:
        """Networks with a folder of their own."""
        return tuple(self.results[0].provenance["training"].get("stages") or ())

    @property
    def rows(self) -> list[terms.Row]:
        """Terms of the data, both those kept beside the weights and those in the records."""
        beside_weights = terms.of_run(self.folder) if (self.folder / terms.TERMS).is_file() else []
        # a user's own files have the name that the records publish, and not an earlier one
        if not self.results[0].organs:
            name = self.results[0].comparability["data"]
            beside_weights = [row | {"data": name} if terms.is_own(row) else row for row in beside_weights]
        in_records = [row for r in self.of_weights for row in terms.of_result(r)]
        # two rows of one name that differ stay two: the stricter one decides
        rows = [*beside_weights, *in_records]
        return [row for i, row in enumerate(rows) if row not in rows[:i]]

    @property
    def is_phantom(self) -> bool:
        return all(r.comparability["data_kind"] == "phantom" for r in self.of_weights)


def trained_cells(run: Path, patterns: Sequence[str] = ()) -> list[TrainedCell]:
    """The trained cells of a run folder, in a fixed order, their weights proved by their sha256.

    Args:
        run: the run folder.
        patterns: names such as ``brain-ddpm-s0`` or patterns such as ``brain-*``; none means all.

    Raises:
        InputError: the run has no trained cell, a pattern fits none, or weights are not those that the results were
            measured with.
    """
    chosen = find(run, patterns)
    for cell in chosen:
        check_weights(cell)
    return chosen


def find(run: Path, patterns: Sequence[str] = ()) -> list[TrainedCell]:
    """As ``trained_cells``, by the records alone: nobody has looked at the weights."""
    drawn: dict[tuple[str, str, str], list[Result]] = {}
    everything = data_names.read_all(run)
    for result in everything:
        # a solver's answers are rows of a board, not what a shared model draws: its card is about its samplers
        if result.is_control or result.answers_by:
            continue
        if checkpoint := result.provenance.get("checkpoint"):
            check_provenance(result)
            drawn.setdefault((checkpoint, result.modality, result.variant), []).append(result)
    counts = Counter(map(_name, drawn.values()))
    names = {}
    for key, members in sorted(drawn.items()):
        name = _name(members)
        names[key] = name if counts[name] == 1 else f"{name}-{key[0].rpartition('_')[2]}"
    if not names and any(result.answers_by for result in everything):
        raise InputError(
            f"{run} holds answers to inverse problems and no generated images, expected a trained variant with its "
            "samples; run it with --tasks generation,audit too, or publish its results alone with --results-to"
        )
    if not names:
        raise InputError(
            f"{run} has no trained variant to share, only controls; run it with --variants ddpm, or "
            "publish its results alone with --results-to"
        )
    for pattern in patterns:
        if not fnmatch.filter(names.values(), pattern):
            near = get_close_matches(pattern, list(names.values()), n=len(names), cutoff=0)
            raise InputError(f"{run} has no cell {pattern!r}; expected one of {some_of(near)}")
    return [
        _cell(run, name, key[0], drawn[key], everything)
        for key, name in names.items()
        if not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
    ]


def prepared_sets(run: Path, records: Sequence[Result]) -> list[Prepared]:
    """The prepared sets behind results. Raises InputError where a set of real images is no longer in the run."""
    needed = {r.provenance.get("data_key") or r.comparability["data_key"]: r for r in records}
    sets = {}
    for manifest in sorted((run / "data").glob(f"*/{dataset.MANIFEST}")):
        key = dataset.read_manifest(manifest.parent)["key"]
        if key in needed and key not in sets:
            sets[key] = dataset.load(manifest.parent)
    for key, result in needed.items():
        if key not in sets and result.comparability["data_kind"] != "phantom":
            raise InputError(
                f"{run} no longer holds the prepared images of {result.comparability['data']}, so nobody can check "
                "that no subject id leaves; run the same `mribench run` again, it prepares them and trains nothing"
            )
    return list(sets.values())


def check_provenance(result: Result) -> None:
    """Raises InputError where a record names a checkpoint and not what made it: the card says both."""
    for part in ("training", "profile", "spec"):
        if not result.provenance.get(part):
            raise InputError(
                f"the record of {result.modality} {result.name} seed {result.seed} lacks provenance.{part}, expected "
                "what made its checkpoint; run the same `mribench run` again"
            )


def _name(members: Sequence[Result]) -> str:
    return f"{members[0].modality}-{members[0].variant}-s{members[0].seed}"


def _cell(
    run: Path, name: str, checkpoint: str, members: Sequence[Result], everything: Sequence[Result]
) -> TrainedCell:
    if not PLAIN_NAME.fullmatch(checkpoint):
        raise InputError(
            f"{run}: a result names the checkpoint {checkpoint!r}, expected the name of a folder"
        )
    return TrainedCell(run, name, checkpoint, tuple(members), tuple(everything))


def check_weights(cell: TrainedCell) -> None:
    """Raises InputError where weights are gone, or are not those that the results were measured with."""
    found = folder.checkpoint_files(cell.folder, cell.keep)
    lacking = [name for name in cell.stages if not (cell.folder / name / folder.RECORD).is_file()]
    if not found or lacking or not (cell.folder / folder.RECORD).is_file():
        raise InputError(
            f"{cell.folder} holds no trained weights; run the same `mribench run` again, it trains what is missing"
        )
    measured = {r.provenance.get("checkpoint_sha256") for r in cell.results} - {None}
    if measured - {folder.checkpoint_sha256(found)}:
        raise InputError(
            f"the weights in {cell.folder} are not those that the results were measured with (another sha256); "
            "run the same `mribench run` into a new --out"
        )
