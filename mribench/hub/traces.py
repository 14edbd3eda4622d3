"""Traces of a machine and its patients: subject ids, paths, user and host names, tokens. None may leave.

What is sent is cleaned first (``Traces.cleaned``), then the whole folder is searched (``search.check``); a hit there
stops everything. Two guards, because each knows something that the other does not.
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
# accounts and hosts that stand for nobody
NOBODY = {
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
# a shorter subject id, or a shorter number, cannot be told from a word of the record: whole values only
SHORTEST_WORD, SHORTEST_NUMBER = 4, 6


@dataclass
class Traces:
    """What must not leave. words: literal text -> what it is; whole: values that are forbidden only as a whole.

    counts: how much ``cleaned`` has removed so far, by kind.
    """

    words: dict[str, str]
    whole: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        # the longest first: a home folder before the user's name in it
        literal = "|".join(_bounded(word) for word in sorted(self.words, key=len, reverse=True))
        self._words = re.compile(literal, re.IGNORECASE) if literal else None
        self._kinds = {word.lower(): kind for word, kind in self.words.items()}

    def found(self, text: str) -> list[str]:
        """Kinds of traces in a text, without the traces themselves."""
        kinds = [self.whole[text]] if text in self.whole else []
        if self._words:
            kinds += [self._kinds[match.group().lower()] for match in self._words.finditer(text)]
        kinds += ["token"] * bool(re.search(TOKEN, text)) + ["path"] * bool(re.search(PATH, text))
        return list(dict.fromkeys(kinds))

    def cleaned(self, value: Any) -> Any:
        """A JSON value with every trace replaced, in keys as well. Numbers stay, but those that are a subject's id."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {self._text(str(key)): self.cleaned(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.cleaned(inner) for inner in value)
        if isinstance(value, int) and str(value) in self.words:
            return self._text(str(value))
        return value

    def _text(self, text: str) -> str:
        for kind in (found := self.found(text)):
            self.counts[kind] += 1
        if not found:
            return text
        if text in self.whole:
            return REMOVED
        text = re.sub(TOKEN, REMOVED, text)
        text = re.sub(PATH, REMOVED, text)
        return self._words.sub(REMOVED, text) if self._words else text


def _bounded(word: str) -> str:
    """A word of its own; a number that is no part of another, so that no score loses its digits."""
    before, after = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
    if word.isdecimal():
        before, after = r"(?<![A-Za-z0-9.,-])", r"(?![A-Za-z0-9]|[.,]\d)"
    return before + re.escape(word) + after


def of_machine(run: Path, spoken: Iterable[str] = ()) -> dict[str, str]:
    """Words that tell this machine and its user. spoken: words that the user chose to publish, a repository's name."""
    allowed = {part.lower() for word in spoken for part in re.split(r"[/]", word)} | vocabulary() | NOBODY
    users = {_user(), os.environ.get("USER"), os.environ.get("LOGNAME"), Path.home().name}
    hosts = {socket.gethostname(), os.environ.get("HOSTNAME"), os.uname().nodename}
    hosts |= {host.partition(".")[0] for host in hosts if host}
    names = {user: "user name" for user in users if user} | {host: "host name" for host in hosts if host}
    found = {word: kind for word, kind in names.items() if len(word) > 2 and word.lower() not in allowed}
    for folder in (Path.home(), Path.cwd(), run.absolute(), run.resolve()):
        if len(folder.parts) > 1:
            found[str(folder)] = "path"
    secrets = {value for name, value in os.environ.items() if SECRET.search(name) and len(value) >= 8}
    from huggingface_hub import get_token

    if token := get_token():
        secrets.add(token)
    # a switch such as HF_HUB_DISABLE_IMPLICIT_TOKEN=disabled is no secret; a path to one is told as a path
    return found | {secret: "token" for secret in secrets if not secret.isalpha()}


def of_patients(sets: Sequence[Prepared]) -> tuple[dict[str, str], dict[str, str]]:
    """(words, whole values) that tell the subjects and source files of prepared sets, where those are not public."""
    from mribench.data.store.arrow import column

    words, whole, known = {}, {}, vocabulary()
    for data in sets:
        if may_show_ids(data):
            continue
        for name in {
            name for split in ("train", "validation", "test") for name in getattr(data, split).subjects
        }:
            for text in {name, name.rpartition(":")[2]}:
                _sort_in(text, "subject id", words, whole, known)
        for source in set(column(data.path, "source")):
            _sort_in(source, "source file", words, whole, known)
            _sort_in(Path(source).name, "source file", words, whole, known)
    return words, whole


def _sort_in(text: str, kind: str, words: dict[str, str], whole: dict[str, str], known: set[str]) -> None:
    if not text or text.lower() in known:
        return
    shortest = SHORTEST_NUMBER if re.fullmatch(r"[\d.,-]+", text) else SHORTEST_WORD
    (words if len(text) >= shortest else whole)[text] = kind


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
