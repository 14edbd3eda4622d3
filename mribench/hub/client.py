"""Calls to the Hub, each whole or not at all: the head of a repository, one commit, a snapshot of a revision."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Literal, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_token

from mribench.errors import InputError
from mribench.hub.failures import CLIENT_ERRORS, NO_TOKEN, OFFLINE, Conflict, NotFound, Transient, translated

Kind = Literal["model", "dataset"]
T = TypeVar("T")
# seconds between tries; the client itself retries uploads, but neither commits nor the creation of a repository
WAITS = (1.0, 3.0, 9.0)
LONGEST_WAIT = 60.0  # seconds that a server may ask for
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Head:
    """The newest commit of a repository, or of a revision."""

    commit: str
    private: bool
    files: frozenset[str]  # names


def check_name(repo: str) -> str:
    if not NAME.fullmatch(repo) or ".." in repo or "--" in repo:
        raise InputError(f"{repo!r} is no repository name; expected user/name of letters, digits, - _ and .")
    return repo


def check_ready() -> None:
    """Raise InputError where nothing can be published: offline, or without a token."""
    if constants.HF_HUB_OFFLINE:
        raise InputError(OFFLINE)
    if not get_token():
        raise InputError(NO_TOKEN)


def translate_errors(call: Callable[..., T]) -> Callable[..., T]:
    """The client's many errors become InputError, Conflict or Transient; the repository is the first argument."""

    @wraps(call)
    def translating(repo: str, *args: Any, **kwargs: Any) -> T:
        try:
            return call(repo, *args, **kwargs)
        except CLIENT_ERRORS as error:
            raise translated(error, repo) from error

    return translating


@translate_errors
def head(repo: str, kind: Kind, revision: str | None = None) -> Head:
    info = HfApi().repo_info(repo, repo_type=kind, revision=revision)
    return Head(info.sha, bool(info.private), frozenset(s.rfilename for s in info.siblings or ()))


@translate_errors
def create(repo: str, kind: Kind, private: bool) -> None:
    """Create a repository, or do nothing where it exists; the visibility of one that exists stays."""
    HfApi().create_repo(repo, repo_type=kind, private=private, exist_ok=True)


@translate_errors
def snapshot(repo: str, kind: Kind, commit: str, patterns: list[str] | None = None) -> Path:
    """The files of a commit in the Hub's cache; files that the cache holds are not downloaded again."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    return Path(snapshot_download(repo, repo_type=kind, revision=commit, allow_patterns=patterns))


@translate_errors
def commit(
    repo: str, kind: Kind, folder: Path, parent: str, message: str, delete: frozenset[str] = frozenset()
) -> str:
    """Add every file of a folder in one commit. Nothing is sent where the repository holds the same bytes.

    Args:
        repo: ``user/name``.
        kind: model or data set.
        folder: its files keep their relative names.
        parent: the commit to build on; the call conflicts where it is no longer the newest.
        message: of the commit.
        delete: names of files to remove.

    Returns:
        The commit that now holds the files: the new one, or the head where nothing changed.
    """
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    adds = [CommitOperationAdd(path.relative_to(folder).as_posix(), path) for path in paths]
    drops = [CommitOperationDelete(name) for name in sorted(delete)]
    created = HfApi().create_commit(
        repo, [*adds, *drops], commit_message=message, repo_type=kind, parent_commit=parent, num_threads=2
    )
    return created.oid


def retry(attempt: Callable[[], T]) -> T:
    """Call again, after a while, on a conflict or a transient failure.

    ``attempt`` must start from the repository's newest commit. Raises InputError with the last failure's message.
    """
    for wait in (*WAITS, None):
        try:
            return attempt()
        except (Conflict, Transient) as error:
            seconds = error.wait if isinstance(error, Transient) and error.wait is not None else wait
            if wait is None or seconds > LONGEST_WAIT:
                raise InputError(str(error)) from error
            time.sleep(seconds)
    raise AssertionError("unreachable")


def address(repo: str, kind: Kind, commit: str) -> str:
    prefix = {"model": "", "dataset": "datasets/"}[kind]
    return f"{constants.ENDPOINT}/{prefix}{repo}/tree/{commit}"


def kind_of(repo: str) -> Kind:
    """Whether a repository is a model or a data set. Raises InputError where it is neither."""
    try:
        retry(lambda: head(repo, "model"))
        return "model"
    except NotFound:
        pass
    retry(lambda: head(repo, "dataset"))
    return "dataset"
