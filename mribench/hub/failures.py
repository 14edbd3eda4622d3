"""Errors of the Hub's client as one sentence each, with the next step."""

from __future__ import annotations

import errno
from typing import Any

from huggingface_hub import errors
from huggingface_hub.errors import HfHubHTTPError

from mribench.errors import InputError

# the client's HTTP library changed its name once already; its errors are the first base of the Hub's own
HTTP_ERROR: type[Exception] = HfHubHTTPError.__bases__[0]
# everything that a call of the client raises on purpose; its HTTP errors need not be OSErrors
CLIENT_ERRORS = (HTTP_ERROR, OSError, ValueError)
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CONFLICT, RATE_LIMIT = 412, 429
RETRY = "run the same command again, it goes on where it stopped"


class Conflict(Exception):
    """Someone else's commit came between reading the repository and ours."""


class NotFound(InputError):
    """No such repository for this token."""


class Transient(Exception):
    """A failure that may be gone in a moment.

    ``wait``: seconds that the server asked for, None where it did not.
    """

    def __init__(self, sentence: str, wait: float | None = None) -> None:
        super().__init__(sentence)
        self.wait = wait


def status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def translated(error: Exception, repo: str) -> Exception:
    """The error to raise instead: InputError, Conflict, Transient, or a disk's own OSError about ``repo``."""
    code = status(error)
    if code is not None:
        return _answered(error, code, repo)
    if isinstance(error, errors.LocalTokenNotFoundError):
        return InputError(NO_TOKEN)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return InputError(OFFLINE)
    if isinstance(error, errors.HFValidationError):
        return InputError(f"{repo!r} is no repository name; expected user/name of letters, digits, - _ and .")
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return OSError(errno.ENOSPC, "No space left on device", error.filename or str(error))
    if isinstance(error, ValueError):
        return InputError(
            f"the Hub's client refuses what it was given for {repo} ({_short(error)}); report it"
        )
    # large files go to Xet servers, which a proxy may block and a self-hosted Hub lacks
    without_xet = ", or set HF_HUB_DISABLE_XET=1 to do without Xet" if "xet" in str(error).lower() else ""
    return Transient(
        f"the Hub cannot be reached ({_short(error)}); check the network{without_xet}, then {RETRY}"
    )


NO_TOKEN = (
    "no Hugging Face token is here; run `hf auth login`, or set HF_TOKEN to a token with the right to write, and "
    "run the same command again"
)
OFFLINE = "HF_HUB_OFFLINE is set and the Hub is asked for; unset it, or share a file made by `mribench pack`"


def _answered(error: Any, code: int, repo: str) -> Exception:
    if isinstance(error, errors.GatedRepoError):
        return InputError(f"{repo} is gated; ask for access on its page, then {RETRY}")
    if isinstance(error, errors.RevisionNotFoundError):
        return InputError(f"{repo} has no such revision; give a commit, branch or tag of it")
    if isinstance(error, errors.RepositoryNotFoundError) or code == 404:
        return NotFound(
            f"no repository {repo} is there for this token: it is gone, misspelt, or private; check the name, or ask "
            "its owner for access"
        )
    if code == 401:
        return InputError(
            "the Hub does not accept the token; make a new one with the right to write, run `hf auth login` "
            f"or set HF_TOKEN, then {RETRY}"
        )
    if code in (402, 403):
        return InputError(
            f"the token has no right to write to {repo}; use one of the owner with the right to write, or a --repo "
            "under your own name"
        )
    if code == CONFLICT:
        return Conflict(f"someone else keeps committing to {repo}; nothing was overwritten, {RETRY}")
    if code == RATE_LIMIT:
        wait = _seconds(error.response.headers.get("Retry-After"))
        delay = f" and asks to wait {wait:.0f} s" if wait else ""
        return Transient(f"the Hub limits the rate of requests{delay}; wait, then {RETRY}", wait)
    if code >= 500 or code == 408:
        return Transient(
            f"the Hub answers with an error of its own (HTTP {code}); nothing is half-published, {RETRY}"
        )
    return InputError(f"the Hub refuses {repo} (HTTP {code}: {_short(error)}); nothing was published")


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.strip().isdigit() else None


def _short(error: BaseException) -> str:
    """The first line of a foreign message, without addresses that carry signatures."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).partition("?")[0][:160].rstrip(". ;")
