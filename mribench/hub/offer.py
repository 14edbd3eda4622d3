"""What the user wants to share, checked and staged: all rules asked, every byte searched, before anything leaves."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mribench import results
from mribench.hub import cells, metadata, rules, traces
from mribench.hub.card import Use
from mribench.hub.cells import TrainedCell
from mribench.hub.stage import stage
from mribench.hub.traces import Traces


@dataclass(frozen=True)
class Wish:
    """What the user asked for. repo, board: ``user/name`` or None; wanted: cells, none means all; i_know: leave in
    spite of MEMORISES or of terms that nobody checked; eval_results: write ``.eval_results`` against the board.
    """

    run: Path
    repo: str | None = None
    wanted: tuple[str, ...] = ()
    board: str | None = None
    private: bool = False
    i_know: bool = False
    eval_results: bool = False


@dataclass(frozen=True)
class Staged:
    """One cell as it would leave. repo: None for a file; removed: traces taken out, by kind."""

    name: str
    repo: str | None
    folder: Path
    removed: Counter[str]


def staged(wish: Wish, place: Path) -> list[Staged]:
    """A folder below ``place`` for each cell of a wish. Raises InputError where one of them must not leave."""
    chosen = cells.trained(wish.run, wish.wanted)
    # all rules before the first copy: weights are large, and a refusal comes at once
    for cell in chosen:
        rules.check(cell.rows, rules.audit_of(cell.results), wish.private, wish.i_know, cell.name)
    return [
        _staged(cell, repo, wish, place) for cell, repo in zip(chosen, _names(wish.repo, chosen), strict=True)
    ]


def guarding(run: Path, found: Sequence[results.Result], spoken: Sequence[str | None]) -> Traces:
    """The guard over results of a run: words of this machine and of the patients in their data.

    spoken: repositories that the user named, whose words may be published.
    """
    words, whole = traces.of_patients(cells.prepared(run, found))
    return Traces(traces.of_machine(run, filter(None, spoken)) | words, whole)


def new(folder: Path) -> Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def sizes(folder: Path) -> dict[str, int]:
    """Bytes by name of every file below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}


def _names(repo: str | None, chosen: Sequence[TrainedCell]) -> list[str | None]:
    """``user/name`` for one cell, ``user/name-<cell>`` for several."""
    if repo is None or len(chosen) == 1:
        return [repo] * len(chosen)
    return [f"{repo}-{cell.name}" for cell in chosen]


def _staged(cell: TrainedCell, repo: str | None, wish: Wish, place: Path) -> Staged:
    guard = guarding(wish.run, cell.results, (repo, wish.board))
    folder = new(place / cell.name)
    extra = {}
    if wish.eval_results and wish.board:
        extra = {".eval_results/mribench.yaml": metadata.eval_results(cell.results, wish.board)}
    use = Use(repo, wish.private, rules.licence(cell.rows))
    stage(cell, folder, guard, rules.audit_of(cell.results), use, extra)
    return Staged(cell.name, repo, folder, guard.counts)
