"""Traces of a machine and its patients: subject ids, paths, names of users, hosts and folders, tokens. None may leave.

Everything to be sent is redacted first (``Redactor.redact``), then the whole folder is scanned (``leak_scan.scan``); a
hit there stops everything. There are two guards because each knows something that the other does not.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mribench.data.cards.pseudonyms import may_show_ids
from mribench.plugins import lookup
from mribench.results import Result
from mribench.spec import Network, Prepared, Profile, Score

REMOVED = "[removed]"
# a path has at least two parts, so that "and/or" and "10.1016/0047" are none; no part of an address is one
PATH = (
    r"file://\S+"
    r"|(?<![\w/:.)\]>])~?/(?:[\w.+@~ -]*[\w.+@~-]/)+[\w.+@~-]*"
    r"|(?<![\w/])~[\w-]*/[\w./-]+"
    r"|(?<![A-Za-z0-9])[A-Za-z]:\\{1,2}[^\s\"'<>|]+"
    r"|\\{2,4}[\w.-]+\\{1,2}[\w.$-]+"
)
TOKEN = (
    r"\b(?:hf|api_org|gh[pousr]|glpat|sk|xox[abp])[_-][A-Za-z0-9_-]{16,}|(?<=Bearer )[A-Za-z0-9._~+/-]{8,}=*"
)
EMAIL = r"[\w.%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
# names of accounts and hosts that identify nobody
GENERIC_NAMES = {
    "root",
    "user",
    "users",
    "ubuntu",
    "debian",
    "runner",
    "admin",
    "jovyan",
    "nobody",
    "home",
    "localhost",
}
SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL", re.IGNORECASE)
SHORTEST_SECRET = 8  # of the value of such a variable
# a shorter subject id, or a shorter number, cannot be told from a word of the record: whole values only
SHORTEST_WORD, SHORTEST_NUMBER = 4, 6


@dataclass
class Redactor:
    """Finds and removes the traces that it is given, and anything that looks like a path, a token or a mail address."""

    anywhere: dict[str, str]  # a text that must not appear anywhere -> its kind
    as_value: dict[str, str] = field(
        default_factory=dict
    )  # a text that must not be a whole value -> its kind
    counts: Counter[str] = field(default_factory=Counter)  # removed so far, by kind

    def __post_init__(self) -> None:
        # the longest first: a home folder before the user's name in it
        literals = "|".join(_bounded(text) for text in sorted(self.anywhere, key=len, reverse=True))
        self._pattern = re.compile(literals, re.IGNORECASE) if literals else None
        self._kinds = {text.lower(): kind for text, kind in self.anywhere.items()}

    def kinds_in(self, text: str) -> list[str]:
        """Kinds of traces in a text, without the traces themselves."""
        kinds = [self.as_value[text]] if text in self.as_value else []
        if self._pattern:
            kinds += [self._kinds[match.group().lower()] for match in self._pattern.finditer(text)]
        shapes = {"token": TOKEN, "path": PATH, "mail address": EMAIL}
        kinds += [kind for kind, shape in shapes.items() if re.search(shape, text)]
        return list(dict.fromkeys(kinds))

    def redact(self, value: Any) -> Any:
        """A JSON value with every trace replaced, in keys as well. A number stays unless it is a subject's id."""
        if isinstance(value, str):
            return self._redact_text(value)
        if isinstance(value, dict):
            return {self._redact_text(str(key)): self.redact(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.redact(inner) for inner in value)
        if isinstance(value, int) and str(value) in self.anywhere:
            return self._redact_text(str(value))
        return value

    def _redact_text(self, text: str) -> str:
        kinds = self.kinds_in(text)
        self.counts.update(kinds)
        if not kinds:
            return text
        if text in self.as_value:
            return REMOVED
        text = re.sub(TOKEN, REMOVED, text)
        text = re.sub(PATH, REMOVED, text)
        text = re.sub(EMAIL, REMOVED, text)
        return self._pattern.sub(REMOVED, text) if self._pattern else text


def _bounded(text: str) -> str:
    """A pattern for a whole word; for a number that is no part of another, so that no score loses its digits."""
    before, after = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
    if text.isdecimal():
        before, after = r"(?<![A-Za-z0-9.,-])", r"(?![A-Za-z0-9]|[.,]\d)"
    return before + re.escape(text) + after


def machine_traces(run: Path, published: Iterable[str] = ()) -> dict[str, str]:
    """Texts that identify this machine and its user, each with its kind.

    Args:
        run: the run folder.
        published: names of repositories, whose parts the user chose to publish.
    """
    allowed = {part.lower() for name in published for part in name.split("/")} | vocabulary() | GENERIC_NAMES
    users = {_user(), os.environ.get("USER"), os.environ.get("LOGNAME"), Path.home().name}
    hosts = {socket.gethostname(), os.environ.get("HOSTNAME"), os.uname().nodename}
    hosts |= {host.partition(".")[0] for host in hosts if host}
    names = {user: "user name" for user in users if user} | {host: "host name" for host in hosts if host}
    traces = {name: kind for name, kind in names.items() if len(name) > 2 and name.lower() not in allowed}
    for folder in (Path.home(), Path.cwd(), run.absolute(), run.resolve()):
        if len(folder.parts) > 1:
            traces[str(folder)] = "path"
    secrets = {
        value for name, value in os.environ.items() if SECRET.search(name) and len(value) >= SHORTEST_SECRET
    }
    from huggingface_hub import get_token

    if token := get_token():
        secrets.add(token)
    # a switch such as HF_HUB_DISABLE_IMPLICIT_TOKEN=disabled is no secret
    return traces | {secret: "token" for secret in secrets if not secret.isalpha()}


def patient_traces(sets: Sequence[Prepared]) -> tuple[dict[str, str], dict[str, str]]:
    """Subjects and source files of prepared sets, where those are not public: for ``anywhere`` and ``as_value``."""
    from mribench.data.store.arrow import column

    anywhere: dict[str, str] = {}
    as_value: dict[str, str] = {}
    known = vocabulary()

    def add(text: str, kind: str) -> None:
        if not text or text.lower() in known:
            return
        shortest = SHORTEST_NUMBER if re.fullmatch(r"[\d.,-]+", text) else SHORTEST_WORD
        (anywhere if len(text) >= shortest else as_value)[text] = kind

    for data in sets:
        if may_show_ids(data):
            continue
        for subject in {*data.train.subjects, *data.validation.subjects, *data.test.subjects}:
            add(subject, "subject id")
            add(subject.rpartition(":")[2], "subject id")
        for source in set(column(data.path, "source")):
            add(source, "source file")
            add(Path(source).name, "source file")
    return anywhere, as_value


def vocabulary() -> set[str]:
    """Words of the records themselves, lower-case: a machine called "brain" cannot be told from the organ."""
    shapes = (Result, Profile, Network, Score, Prepared)
    names = {f.name for shape in shapes for f in fields(shape)}
    names |= {name for group in lookup.GROUPS for name in lookup.names(group)}
    names |= {"phantom", "smoke", "quick", "standard", "paper", "train", "validation", "test", "mribench"}
    return {part for name in names for part in (name, *re.split(r"[_-]", name))}


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # an account that the system does not know
        return None
