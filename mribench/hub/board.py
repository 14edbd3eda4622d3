"""A board on the Hub: a data set repository of result records, and the pages made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from mribench import escaping, files, results
from mribench.board import publish
from mribench.board.boards import boards
from mribench.errors import InputError
from mribench.hub import client, leak_scan, staging
from mribench.hub.merge import numbers
from mribench.hub.redaction import Redactor
from mribench.hub.staging import Staged
from mribench.progress import say
from mribench.results import Result

TABLE = "leaderboard.json"
CARD = """---
pretty_name: {name}
license: cc0-1.0
tags:
- mribench
- leaderboard
- medical-imaging
configs:
- config_name: default
  data_files: leaderboard.csv
---
# {name}

Results of diffusion models on medical images, measured with mribench: {records} records of {organs}. The table
is [leaderboard.md](leaderboard.md); each of its numbers is in a record below `results/` with n, interval, seed,
and the fields that have to be equal before two numbers may be compared. Records are appended, never changed.

Beside your own: `mribench leaderboard --from {repo} --from runs/mine`.
To add to it: `mribench push runs/mine --results-to {repo}`.

Numbers only: no images, no weights, no subject ids. Not for clinical use.
"""


def write(found: Sequence[Result], repo: str, folder: Path, redactor: Redactor) -> None:
    """Records, pages and data card of a board in ``folder``. Raises InputError where a trace would leave."""
    # a file for each, and text: the Hub takes it without LFS or Xet, and what is there is never written again
    for result in found:
        results.write(folder, result)
    _pages(folder, repo)
    leak_scan.scan(folder, redactor)


def _pages(folder: Path, repo: str) -> None:
    """The pages and the card of all records in ``folder``."""
    everything = results.read_all([folder], say)
    publish.write(boards(everything), folder, page=False)
    organs = escaping.markdown(", ".join(sorted({board.organ for board in boards(everything)})))
    text = CARD.format(
        name=repo.rpartition("/")[2], repo=repo, records=len(everything), organs=escaping.markdown(organs)
    )
    files.write_text(folder / "README.md", text)


def send(staged: Staged, private: bool) -> tuple[str, list[str]]:
    """Append records to the board on the Hub and rebuild its pages in one commit.

    Returns its address, and a sentence for each cell of which the board holds other scores: those stay, what is
    published is never changed. Someone else's commit in between is taken in, and the pages are made again. Raises
    InputError where the repository is no board, or holds other scores of everything that would be new.
    """
    repo, own = str(staged.repo), results.read_all([staged.folder])

    def attempt() -> tuple[str, list[str]]:
        client.create(repo, "dataset", private)
        head = client.head(repo, "dataset")
        if TABLE not in head.files and head.files - {".gitattributes", "README.md"}:
            raise InputError(f"{repo} exists and is no board of mribench; choose another --results-to")
        known = _copy_published(repo, head, staging.emptied(staged.folder))
        appended = [result for result in own if results.sort_key(result) not in known]
        notes = _differences(repo, own, known)
        if notes and not appended:
            raise InputError(f"{notes[0]}, and nothing is new; run another seed, or publish to another board")
        for result in appended:
            results.write(staged.folder, result)
        _pages(staged.folder, repo)
        message = f"{len(appended)} results, measured with mribench"
        commit = client.commit(repo, "dataset", staged.folder, head.commit, message)
        return client.address(repo, "dataset", commit), notes

    return client.retry(attempt)


def _copy_published(repo: str, head: client.Head, folder: Path) -> dict[tuple, Result]:
    """The published records of a board, copied into ``folder`` byte for byte, whichever version wrote them."""
    if not any(fnmatch(name, pattern) for name in head.files for pattern in results.PATTERNS):
        return {}
    results.copy(client.snapshot(repo, "dataset", head.commit, results.PATTERNS), folder)
    return {results.sort_key(result): result for result in results.read_all([folder], say)}


def _differences(repo: str, own: Sequence[Result], known: Mapping[tuple, Result]) -> list[str]:
    pairs = [(result, known.get(results.sort_key(result))) for result in own]
    return [
        f"{repo} already holds other scores of {result.modality} {result.name} seed {result.seed}, {result.task}, "
        "which stay"
        for result, old in pairs
        if old and numbers(old) != numbers(result)
    ]
