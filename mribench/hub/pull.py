"""Bring a published model or board here, at one commit, as a run folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import constants

from mribench import files, results
from mribench.errors import InputError
from mribench.hub import client, layout
from mribench.hub.client import Kind
from mribench.hub.failures import OFFLINE

# says what a pulled folder is a copy of
ORIGIN = "pulled.json"


def pull(repo: str, revision: str | None = None, out: Path | None = None) -> Path:
    """A model's checkpoint and records, or a board's records, as a run folder at ``out`` (``runs/<name>``).

    revision: branch, tag or commit; the commit that it means now is pinned in ``pulled.json``. The folder is there
    whole or not at all; one that holds the commit already is left as it is. Raises InputError where the repository
    is no work of mribench, or where ``out`` holds something else.
    """
    client.check_name(repo)
    out = out or Path("runs") / repo.rpartition("/")[2]
    if constants.HF_HUB_OFFLINE:
        raise InputError(OFFLINE)
    kind = client.kind_of(repo)
    head = client.persist(lambda: client.head(repo, kind, revision))
    origin = {"repo": repo, "kind": kind, "commit": head.commit}
    if out.exists() and any(out.iterdir()):
        if (out / ORIGIN).is_file() and files.read_json(out / ORIGIN) == origin:
            return out
        raise InputError(
            f"{out} holds something else than {repo} at {head.commit[:12]}; choose another --out"
        )
    with files.new_folder(out) as folder:
        _fill(folder, repo, kind, head)
        files.write_json(folder / ORIGIN, origin)
    return out


@contextmanager
def at_hand(target: str, revision: str | None = None) -> Iterator[Path]:
    """A path as it is, or a repository (``user/name``) as a run folder for as long as the block lasts."""
    if Path(target).exists() or not client.NAME.fullmatch(target):
        yield Path(target)
        return
    with tempfile.TemporaryDirectory(prefix="mribench-pull-") as temporary:
        with _not_here(target):
            run = pull(target, revision, Path(temporary) / "run")
        yield run


@contextmanager
def _not_here(target: str) -> Iterator[None]:
    """A name that may be a mistyped folder as well: say both."""
    try:
        yield
    except InputError as error:
        raise InputError(f"no folder {target} is here, and of the Hub: {error}") from error


def records(repo: str, revision: str | None = None) -> Path:
    """A folder with the result records of a model or board, in the Hub's cache."""
    with _not_here(repo):
        if constants.HF_HUB_OFFLINE:
            raise InputError(OFFLINE)
        kind = client.kind_of(repo)
        head = client.persist(lambda: client.head(repo, kind, revision))
        return client.persist(lambda: client.snapshot(repo, kind, head.commit, results.PATTERNS))


def _fill(folder: Path, repo: str, kind: Kind, head: client.Head) -> None:
    if kind == "dataset":
        there = client.persist(lambda: client.snapshot(repo, kind, head.commit, results.PATTERNS))
        if not results.holds(there):
            raise InputError(
                f"{repo} holds no results; expected a board that `mribench push --results-to` made"
            )
        results.copy(there, folder)
        results.read_all([folder])
        return
    if layout.MANIFEST not in head.files:
        raise InputError(f"{repo} has no {layout.MANIFEST}; expected a model that `mribench push` published")
    there = client.persist(lambda: client.snapshot(repo, kind, head.commit, [layout.MANIFEST]))
    names = layout.read_manifest(there / layout.MANIFEST, repo)["files"]
    # what the manifest does not name stays where it is
    there = client.persist(lambda: client.snapshot(repo, kind, head.commit, [layout.MANIFEST, *names]))
    layout.lay_out(there, folder, repo)
