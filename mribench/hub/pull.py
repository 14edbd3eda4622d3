"""Download a published model or board, at one commit, as a run folder."""

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
from mribench.progress import say

# the repository and commit that a pulled folder is a copy of
ORIGIN = "pulled.json"


def pull(repo: str, revision: str | None = None, out: Path | None = None) -> Path:
    """A model's checkpoint and records, or a board's records, as a run folder, whole or not at all.

    Args:
        repo: ``user/name``.
        revision: branch, tag or commit; the newest commit where None. ``pulled.json`` records the commit.
        out: the folder, ``runs/<name>`` where None. One that holds the commit already is left as it is.

    Returns:
        The run folder.

    Raises:
        InputError: the repository was not published by mribench, or ``out`` holds something else.
    """
    client.check_name(repo)
    out = out or Path("runs") / repo.rpartition("/")[2]
    if constants.HF_HUB_OFFLINE:
        raise InputError(OFFLINE)
    kind = client.kind_of(repo)
    head = client.retry(lambda: client.head(repo, kind, revision))
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
def as_folder(target: str, revision: str | None = None) -> Iterator[Path]:
    """A path as it is, or a repository (``user/name``) as a temporary run folder."""
    if Path(target).exists() or not client.NAME.fullmatch(target):
        yield Path(target)
        return
    with tempfile.TemporaryDirectory(prefix="mribench-pull-") as temporary:
        with _naming_both(target):
            run = pull(target, revision, Path(temporary) / "run")
        yield run


@contextmanager
def _naming_both(target: str) -> Iterator[None]:
    """The name may also be a mistyped folder: a message speaks of both."""
    try:
        yield
    except InputError as error:
        raise InputError(f"no folder {target} is here, and of the Hub: {error}") from error


def download_records(repo: str, revision: str | None = None) -> Path:
    """A folder with the result records of a model or board, in the Hub's cache."""
    with _naming_both(repo):
        if constants.HF_HUB_OFFLINE:
            raise InputError(OFFLINE)
        kind = client.kind_of(repo)
        head = client.retry(lambda: client.head(repo, kind, revision))
        return client.retry(lambda: client.snapshot(repo, kind, head.commit, results.PATTERNS))


def _fill(folder: Path, repo: str, kind: Kind, head: client.Head) -> None:
    if kind == "dataset":
        downloaded = client.retry(lambda: client.snapshot(repo, kind, head.commit, results.PATTERNS))
        if not results.holds(downloaded):
            raise InputError(
                f"{repo} holds no results; expected a board that `mribench push --results-to` made"
            )
        results.copy(downloaded, folder)
        # a record that cannot be read came from anybody, and stops nobody
        results.read_all([folder], say)
        return
    if layout.MANIFEST not in head.files:
        raise InputError(f"{repo} has no {layout.MANIFEST}; expected a model that `mribench push` published")
    downloaded = client.retry(lambda: client.snapshot(repo, kind, head.commit, [layout.MANIFEST]))
    names = set(layout.read_manifest(downloaded / layout.MANIFEST, repo)["files"]) - {layout.CODE}
    # no code, and no file that the manifest does not name
    downloaded = client.retry(
        lambda: client.snapshot(repo, kind, head.commit, [layout.MANIFEST, *sorted(names)])
    )
    layout.restore(downloaded, folder, repo)
