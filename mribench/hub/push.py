"""Publish the trained cells of a run, each as a model repository in one commit; and their records on a board."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mribench import results
from mribench.errors import InputError
from mribench.hub import board, client, layout, offer
from mribench.hub.offer import Staged, Wish
from mribench.hub.stage import public

# what the Hub puts into a repository by itself
EMPTY = {".gitattributes", "README.md"}


@dataclass(frozen=True)
class Sent:
    """One repository. where: its address, or the staged folder; files: bytes by name; removed: traces, by kind;
    notes: sentences for the user.
    """

    repo: str
    where: str
    files: dict[str, int]
    removed: Counter[str]
    notes: tuple[str, ...] = ()


def push(wish: Wish, dry_run: bool = False) -> list[Sent]:
    """Publish; or with ``dry_run`` write what would be sent into ``<run>/hub/`` and ask nobody.

    Everything is staged and searched before the first request. Raises InputError in one sentence; a second call goes
    on, and sends nothing that is there already.
    """
    _check(wish)
    if not dry_run:
        client.check_ready()
    with tempfile.TemporaryDirectory(prefix="mribench-push-") as temporary:
        place = wish.run / "hub" if dry_run else Path(temporary)
        staged = offer.staged(wish, place) if wish.repo else []
        records = _records(wish, place) if wish.board else None
        sent = []
        for one in staged:
            where = str(one.folder) if dry_run else _send(one, wish.private)
            sent.append(Sent(str(one.repo), where, offer.sizes(one.folder), one.removed))
        if records:
            where, notes = (str(records.folder), []) if dry_run else board.send(records, wish.private)
            sent.append(
                Sent(str(wish.board), where, offer.sizes(records.folder), records.removed, tuple(notes))
            )
        return sent


def _check(wish: Wish) -> None:
    if not (wish.repo or wish.board):
        raise InputError("nothing to push to; give --repo user/name, --results-to user/board, or both")
    if wish.eval_results and not (wish.board and wish.repo):
        raise InputError(
            "--eval-results needs --repo and --results-to: it writes numbers of a model against a data set repository"
        )
    for repo in filter(None, (wish.repo, wish.board)):
        client.check_name(repo)


def _records(wish: Wish, place: Path) -> Staged:
    """The board that the run's own records make, staged and searched."""
    found = results.read_all([wish.run])
    guard = offer.guarding(wish.run, found, (wish.repo, wish.board))
    folder = offer.new(place / "board")
    board.write([public(result, guard) for result in found], str(wish.board), folder, guard)
    return Staged("board", wish.board, folder, guard.counts)


def _send(staged: Staged, private: bool) -> str:
    """Publish a staged folder, whatever happens on the way; returns its address at the new commit."""
    repo = str(staged.repo)
    manifest = layout.read_manifest(staged.folder / layout.MANIFEST, repo)

    def attempt() -> str:
        client.make(repo, "model", private)
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

    return client.persist(attempt)


def _outdated(repo: str, head: client.Head, manifest: Mapping[str, Any]) -> frozenset[str]:
    """Files of an earlier push of this cell that the new one no longer has.

    Raises InputError where the repository holds something else.
    """
    if layout.MANIFEST not in head.files:
        if head.files - EMPTY:
            raise InputError(f"{repo} exists and holds something else; choose another --repo")
        return frozenset()
    there = client.snapshot(repo, "model", head.commit, [layout.MANIFEST]) / layout.MANIFEST
    old = layout.read_manifest(there, repo)
    if old["checkpoint"] != manifest["checkpoint"]:
        raise InputError(
            f"{repo} holds another model ({old['checkpoint']}, and this is {manifest['checkpoint']}); choose another "
            "--repo"
        )
    return (frozenset(old["files"]) - set(manifest["files"])) & head.files
