"""Publish the trained cells of a run, each as a model repository in one commit; and their records on a board."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mribench.errors import InputError
from mribench.hub import board, client, data_names, layout, staging
from mribench.hub.staging import PushRequest, Staged

# files that the Hub itself puts into a new repository
HUB_FILES = {".gitattributes", "README.md"}


@dataclass(frozen=True)
class Pushed:
    """One repository that was published, or would be."""

    repo: str
    address: str  # at the new commit; with ``dry_run`` the staged folder
    files: dict[str, int]  # bytes by name
    removed: Counter[str]  # traces taken out, by kind
    notes: tuple[str, ...] = ()  # sentences for the user


def push(request: PushRequest, dry_run: bool = False) -> list[Pushed]:
    """Publish; or with ``dry_run`` write the same folders into ``<run>/hub/`` and send nothing.

    Everything is staged and scanned before the first request to the Hub. Raises InputError in one sentence. A second
    call continues, and sends nothing that was published already.
    """
    _check(request)
    if not dry_run:
        client.check_ready()
    with tempfile.TemporaryDirectory(prefix="mribench-push-") as temporary:
        place = request.run / "hub" if dry_run else Path(temporary)
        models = staging.stage_cells(request, place) if request.repo else []
        records = _stage_records(request, place) if request.board else None
        pushed = []
        for model in models:
            address = str(model.folder) if dry_run else _send(model, request.private)
            sizes = staging.file_sizes(model.folder)
            pushed.append(Pushed(str(model.repo), address, sizes, model.removed))
        if records:
            address, notes = (str(records.folder), []) if dry_run else board.send(records, request.private)
            sizes = staging.file_sizes(records.folder)
            pushed.append(Pushed(str(request.board), address, sizes, records.removed, tuple(notes)))
        return pushed


def _check(request: PushRequest) -> None:
    if not (request.repo or request.board):
        raise InputError("nothing to push to; give --repo user/name, --results-to user/board, or both")
    if request.eval_results and not (request.board and request.repo):
        raise InputError(
            "--eval-results needs --repo and --results-to: it writes numbers of a model against a data set repository"
        )
    for repo in filter(None, (request.repo, request.board)):
        client.check_name(repo)


def _stage_records(request: PushRequest, place: Path) -> Staged:
    """The board of the run's own records, staged and scanned."""
    records = data_names.read_all(request.run)
    redactor = staging.redactor_of(request.run, records, (request.repo, request.board))
    folder = staging.emptied(place / "board")
    redacted = [staging.redacted(result, redactor) for result in records]
    board.write(redacted, str(request.board), folder, redactor)
    return Staged("board", request.board, folder, redactor.counts)


def _send(staged: Staged, private: bool) -> str:
    """Publish a staged folder, trying again where that may help; returns its address at the new commit."""
    repo = str(staged.repo)
    manifest = layout.read_manifest(staged.folder / layout.MANIFEST, repo)

    def attempt() -> str:
        client.create(repo, "model", private)
        head = client.head(repo, "model")
        if private and not head.private:
            raise InputError(
                f"{repo} exists and is public; make it private on its page, or choose another --repo"
            )
        outdated = _outdated(repo, head, manifest)
        message = f"{staged.name}, measured with mribench"
        return client.address(
            repo, "model", client.commit(repo, "model", staged.folder, head.commit, message, outdated)
        )

    return client.retry(attempt)


def _outdated(repo: str, head: client.Head, manifest: Mapping[str, Any]) -> frozenset[str]:
    """Files of an earlier push of this cell that the new one no longer has.

    Raises InputError where the repository holds something else.
    """
    if layout.MANIFEST not in head.files:
        if head.files - HUB_FILES:
            raise InputError(f"{repo} exists and holds something else; choose another --repo")
        return frozenset()
    published = client.snapshot(repo, "model", head.commit, [layout.MANIFEST]) / layout.MANIFEST
    old = layout.read_manifest(published, repo)
    before, now = (filter(None, (m["checkpoint"], m.get("drawn"))) for m in (old, manifest))
    before, now = ", ".join(before), ", ".join(now)
    if before != now:
        raise InputError(f"{repo} holds another model ({before}, and this is {now}); choose another --repo")
    return (frozenset(old["files"]) - set(manifest["files"])) & head.files
