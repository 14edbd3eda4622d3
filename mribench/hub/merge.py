"""Local and published results together: records with equal comparability keys share a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from mribench import results
from mribench.errors import InputError
from mribench.hub.client import NAME
from mribench.results import Result


@dataclass(frozen=True)
class Gathered:
    """results: in a fixed order; folders: where their pictures lie; notes: one sentence for each cell of which two
    sources hold different scores.
    """

    results: list[Result]
    folders: list[Path]
    notes: list[str]


def gathered(sources: Sequence[str]) -> Gathered:
    """Results of run folders, kept boards, folders of these, and repositories (``user/name[@revision]``).

    Of one cell the source named first counts; of equal scores the record that has pictures, a board has none. Raises
    InputError where a source holds no results.
    """
    found: dict[tuple, tuple[str, Result]] = {}
    notes: list[str] = []
    refused: list[InputError] = []
    # one by one: what two of them hold differently is told below, and not an error
    places = list(chain.from_iterable(map(_folders, sources)))
    for source, folder in places:
        try:
            several = results.read_all([folder], notes.append)
        except InputError as error:
            # one source that cannot be read stops no other
            refused.append(error)
            continue
        for result in several:
            key = results.sort_key(result)
            first, known = found.setdefault(key, (source, result))
            if numbers(known) != numbers(result):
                notes.append(
                    f"{result.modality} {result.name} seed {result.seed}, {result.task}: {source} holds other scores "
                    f"than {first}, which counts"
                )
            elif len(result.figures) > len(known.figures):
                found[key] = first, result
    if refused and not found:
        raise refused[0]
    notes += [f"left out: {error}" for error in refused]
    return Gathered([found[key][1] for key in sorted(found)], [folder for _, folder in places], notes)


def _folders(source: str) -> list[tuple[str, Path]]:
    """(what a message calls it, folder) of every folder with results behind a source."""
    path = Path(source)
    if path.is_dir():
        runs = [path] if results.holds(path) else sorted(filter(results.holds, path.glob("*")))
        if not runs:
            raise InputError(
                f"no results in {source}; expected a run folder, a kept board, or a folder of these"
            )
        return [(str(run), run) for run in runs]
    repo, _, revision = source.partition("@")
    if not NAME.fullmatch(repo):
        raise InputError(
            f"{source!r} is neither a folder nor a repository; expected a run folder or user/name"
        )
    from mribench.hub.pull import download_records

    return [(source, download_records(repo, revision or None))]


def numbers(result: Result) -> list[tuple]:
    """Scores without the words beside them: a reason may name a path at home and none on the Hub."""
    return [(s.metric, s.space, s.level, s.value, s.low, s.high, s.n) for s in result.scores]
