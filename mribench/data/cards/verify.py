"""Whether the files of a card are all here, have a subject each, and are unchanged since the first look."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from mribench import files, hashing
from mribench.data.cards.card import ACCESS, ADDED, UNVERIFIED, CardFile, DatasetCard
from mribench.data.readers.folder import companions, find_files, name_their_subjects
from mribench.data.readers.subjects import subjects_of
from mribench.errors import DataError

# rules that the file names alone decide
BY_NAME = ("folder", "pattern", "metadata", "unknown")
# what a card claims about a set, as opposed to how it is worded
PROVED = (
    "subjects",
    "images",
    "licence",
    "access",
    "contrast",
    "version",
    "bibtex",
    "labels",
    "population",
    "field_strength",
    "defaced",
    "official_split",
    "repeat_scans",
    "overlaps",
    "include",
    "subject_pattern",
    "stratify_pattern",
    "masks",
    "fields",
    "files",
    "query",
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "note", "broken"]
    text: str


def verify(card: DatasetCard, folder: Path, record: Path) -> list[Finding]:
    """Look at the files of a card without decoding them.

    Args:
        card: Whose files they are.
        folder: Where they are.
        record: Where the digests of the first look are kept; later looks are compared with it.

    Raises:
        DataError: Where nothing is there or nothing can be read.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        raise DataError(
            f"There are no files of {card.id}; run `mribench data fetch {card.id}`, or put them into {folder}."
        )
    reader = card.chosen_reader
    found = find_files(folder, card.include, reader)
    return [
        Finding("files", "ok", f"{len(found)} images"),
        _subjects(card, folder, found),
        _digests(folder, [*found, *companions(folder, found, reader)], record),
    ]


def unverified(card: DatasetCard) -> list[str]:
    """Names of the fields that nobody has checked, those of files as ``files[0].sha256``."""
    own = [field.name for field in fields(card) if _open(getattr(card, field.name), field.name)]
    of_files = [
        f"files[{i}].{field.name}"
        for i, file in enumerate(card.files)
        for field in fields(CardFile)
        if field.name in ("sha256", "bytes") and getattr(file, field.name) in (None, UNVERIFIED)
    ]
    return own + of_files


def unproved(card: DatasetCard) -> list[str]:
    """Names of the facts that the card states and no ``evidence`` names.

    An agreement is the strictest access, which a card may state without having looked it up.
    """
    read = {fact for row in card.evidence for fact in row.facts}
    stated = [name for name in PROVED if getattr(card, name) not in (None, UNVERIFIED, ())]
    return [name for name in stated if name not in read and getattr(card, name) != ACCESS[-1]]


def _open(value: object, name: str) -> bool:
    optional = ("include", "subject_pattern", "stratify_pattern", *ADDED)
    return value == UNVERIFIED or (value is None and name not in optional)


def _subjects(card: DatasetCard, folder: Path, found: Sequence[Path]) -> Finding:
    if card.subject not in BY_NAME or name_their_subjects(folder, found, card.chosen_reader):
        return Finding("subjects", "note", "named inside the files; `mribench data prepare` counts them")
    names = [file.relative_to(folder).as_posix() for file in found]
    n = len({subject for subject, _ in subjects_of(folder, names, card.path_pattern).values()})
    if not card.subjects_known:
        return Finding("subjects", "note", "unknown: the set runs, and is never ranked")
    if card.subjects is None:
        return Finding("subjects", "note", f"{n}; the card names no number")
    state = "ok" if n == card.subjects else "note"
    return Finding("subjects", state, f"{n} of {card.subjects}")


def _digests(folder: Path, found: Sequence[Path], record: Path) -> Finding:
    now = {file.relative_to(folder).as_posix(): hashing.file_sha256(file) for file in found}
    try:
        before = files.read_json(record)
    except (OSError, ValueError):
        files.write_json(record, now)
        return Finding("sha256", "note", f"first look, all kept in mind: {_total(now)}")
    if before == now:
        return Finding("sha256", "ok", f"as at the first look: {_total(now)}")
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return Finding(
        "sha256",
        "broken",
        f"{len(changed)} files differ from the first look, for example {changed[0]}; fetch the set again, "
        f"or delete {record.name} where that is right",
    )


def _total(digests: dict[str, str]) -> str:
    text = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
