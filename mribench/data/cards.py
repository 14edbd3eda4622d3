"""Dataset cards: one reviewed TOML file each in registry/. What nobody checked reads ``unverified``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import mribench
from mribench.errors import DataError

UNVERIFIED = "unverified"
ACCESS = ("open", "registration", "agreement")


@dataclass(frozen=True)
class CardFile:
    """url; sha256: 64 hex digits or ``unverified``; bytes: size, None where nobody looked."""

    url: str
    sha256: str
    bytes: int | None = None


@dataclass(frozen=True)
class DatasetCard:
    """Where a dataset comes from and how it may be used.

    subjects, images: counts, None where unverified. access: ``open`` (anonymous download), ``registration``
    (account), ``agreement`` (signed). subject_pattern: regular expression searched in a file's relative
    path; its first group (or the match) is the subject; None: the folder rule of the readers. include: glob
    of the files to read. manual: a step by hand (a conversion) comes before reading. caveats: what a user
    must know before trusting a split.
    """

    id: str
    title: str
    organ: str
    contrast: str
    subjects: int | None
    images: int | None
    licence: str
    access: str
    how_to_apply: str
    homepage: str
    citation: str
    files: tuple[CardFile, ...] = ()
    subject_pattern: str | None = None
    include: str | None = None
    manual: bool = False
    caveats: tuple[str, ...] = ()

    @property
    def fetchable(self) -> bool:
        """True where every file may be downloaded without asking and can be checked."""
        checked = bool(self.files) and all(file.sha256 != UNVERIFIED for file in self.files)
        return self.access == "open" and checked and not self.manual


def registry() -> Path:
    """The folder of the cards: inside the installed package, or beside it in a checkout."""
    package = Path(mribench.__file__).parent
    installed = package / "registry"
    return installed if installed.is_dir() else package.parent / "registry"


def load_cards(folder: Path | None = None) -> dict[str, DatasetCard]:
    """id -> card, sorted by id. Raises DataError, naming file and field, for a card that is not complete."""
    paths = sorted((folder or registry()).glob("*.toml"))
    return {path.stem: read_card(path) for path in paths}


def read_card(path: Path) -> DatasetCard:
    """One card. Raises DataError, naming file and field."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is not valid TOML ({error}); fix it.") from error
    known = {field.name for field in fields(DatasetCard)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise DataError(
            f"{path.name}: {unknown[0]} is no field of a card; expected {', '.join(sorted(known))}."
        )
    texts = ("id", "title", "organ", "contrast", "licence", "access", "how_to_apply", "homepage", "citation")
    card = DatasetCard(
        **{name: _text(table, name, path) for name in texts},
        subjects=_count(table, "subjects", path),
        images=_count(table, "images", path),
        files=tuple(_file(row, i, path) for i, row in enumerate(_list(table, "files", dict, path))),
        subject_pattern=_pattern(table, path),
        include=_text(table, "include", path) if "include" in table else None,
        manual=_flag(table, "manual", path),
        caveats=tuple(_list(table, "caveats", str, path)),
    )
    if card.id != path.stem:
        raise DataError(f"{path.name}: id is {card.id!r}; expected the file's name, {path.stem!r}.")
    if card.access not in ACCESS:
        raise DataError(f"{path.name}: access is {card.access!r}; expected one of {', '.join(ACCESS)}.")
    return card


def _text(table: Mapping[str, Any], name: str, path: Path) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value.strip():
        raise DataError(
            f"{path.name}: {name} is {value!r}; expected text, {UNVERIFIED!r} where nobody checked."
        )
    return value


def _count(table: Mapping[str, Any], name: str, path: Path) -> int | None:
    value = table.get(name)
    if value == UNVERIFIED:
        return None
    if type(value) is not int or value <= 0:
        raise DataError(f"{path.name}: {name} is {value!r}; expected a positive number or {UNVERIFIED!r}.")
    return value


def _list(table: Mapping[str, Any], name: str, kind: type, path: Path) -> list[Any]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise DataError(f"{path.name}: {name} is {value!r}; expected a list of {kind.__name__}.")
    return value


def _flag(table: Mapping[str, Any], name: str, path: Path) -> bool:
    value = table.get(name, False)
    if not isinstance(value, bool):
        raise DataError(f"{path.name}: {name} is {value!r}; expected true or false.")
    return value


def _pattern(table: Mapping[str, Any], path: Path) -> str | None:
    value = table.get("subject_pattern", "")
    try:
        re.compile(value)
    except (re.error, TypeError) as error:
        raise DataError(
            f"{path.name}: subject_pattern is {value!r}, no regular expression ({error}); fix it."
        ) from error
    return value or None


def _file(row: Mapping[str, Any], i: int, path: Path) -> CardFile:
    url, digest, size = row.get("url"), row.get("sha256"), row.get("bytes", UNVERIFIED)
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise DataError(f"{path.name}: files[{i}].url is {url!r}; expected a http(s) address.")
    if digest != UNVERIFIED and not re.fullmatch(r"[0-9a-f]{64}", str(digest)):
        raise DataError(
            f"{path.name}: files[{i}].sha256 is {digest!r}; expected 64 hex digits or {UNVERIFIED!r}."
        )
    if size != UNVERIFIED and (type(size) is not int or size <= 0):
        raise DataError(
            f"{path.name}: files[{i}].bytes is {size!r}; expected a positive number or {UNVERIFIED!r}."
        )
    return CardFile(url, str(digest), None if size == UNVERIFIED else size)
