"""Three calls to the Hub, each whole or not at all: look, publish in one commit, bring a revision here."""

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
from mribench.hub.failures import NO_TOKEN, OFFLINE, RAISED, Absent, Conflict, Passing, translated

Kind = Literal["model", "dataset"]
T = TypeVar("T")
# seconds between tries; the client itself retries uploads, but neither commits nor the making of a repository
WAITS = (1.0, 3.0, 9.0)
LONGEST_WAIT = 60.0
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Head:
    """What a repository holds now: commit, visibility, names of its files."""

    commit: str
    private: bool
    files: frozenset[str]


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


def one_sentence(call: Callable[..., T]) -> Callable[..., T]:
    """The client's many errors become InputError, Conflict or Passing; the repository is the first argument."""

    @wraps(call)
    def translating(repo: str, *args: Any, **kwargs: Any) -> T:
        try:
            return call(repo, *args, **kwargs)
        except RAISED as error:
            raise translated(error, repo) from error

    return translating


@one_sentence
def head(repo: str, kind: Kind, revision: str | None = None) -> Head:
    found = HfApi().repo_info(repo, repo_type=kind, revision=revision)
    return Head(found.sha, bool(found.private), frozenset(s.rfilename for s in found.siblings or ()))


@one_sentence
def make(repo: str, kind: Kind, private: bool) -> None:
    """Make a repository, or do nothing where it exists; the visibility of one that exists stays."""
    HfApi().create_repo(repo, repo_type=kind, private=private, exist_ok=True)


@one_sentence
def snapshot(repo: str, kind: Kind, commit: str, patterns: list[str] | None = None) -> Path:
    """The files of a commit in the Hub's cache; what is there already is not sent again."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    return Path(snapshot_download(repo, repo_type=kind, revision=commit, allow_patterns=patterns))


@one_sentence
def commit(
    repo: str, kind: Kind, folder: Path, parent: str, message: str, delete: frozenset[str] = frozenset()
) -> str:
    """Every file of ``folder`` in one commit on ``parent``; returns the commit that now holds them.

    Nothing is sent where the repository holds the same bytes already, and then its head is returned.
    """
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    adds = [CommitOperationAdd(path.relative_to(folder).as_posix(), path) for path in paths]
    drops = [CommitOperationDelete(name) for name in sorted(delete)]
    made = HfApi().create_commit(
        repo, [*adds, *drops], commit_message=message, repo_type=kind, parent_commit=parent, num_threads=2
    )
    return made.oid


def persist(attempt: Callable[[], T]) -> T:
    """Call until it goes through: again on a conflict or a passing failure, after a while.

    ``attempt`` must start from what the repository holds then. Raises InputError, in the last failure's words.
    """
    for wait in (*WAITS, None):
        try:
            return attempt()
        except (Conflict, Passing) as error:
            asked = error.wait if isinstance(error, Passing) and error.wait is not None else wait
            if wait is None or asked > LONGEST_WAIT:
                raise InputError(str(error)) from error
            time.sleep(asked)
    raise AssertionError("unreachable")


def address(repo: str, kind: Kind, commit: str) -> str:
    prefix = {"model": "", "dataset": "datasets/"}[kind]
    return f"{constants.ENDPOINT}/{prefix}{repo}/tree/{commit}"


def kind_of(repo: str) -> Kind:
    """Whether a name is that of a model or of a data set. Raises InputError where it is neither."""
    try:
        persist(lambda: head(repo, "model"))
        return "model"
    except Absent:
        pass
    persist(lambda: head(repo, "dataset"))
    return "dataset"
