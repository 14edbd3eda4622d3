"""Dataset cards: what one reviewed TOML file of the registry says. What nobody checked is None here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

UNVERIFIED = "unverified"
ACCESS = ("open", "registration", "agreement")
DIMENSIONS = ("2D", "3D", "2D+t", "3D+t")
READERS = ("nifti", "dicom", "metaimage", "analyze", "image", "npz", "hdf5", "matlab", "other")
# how a file's subject is told: one first-level folder each, a regular expression, the DICOM PatientID, a
# field inside the file, a metadata.csv that the user writes, or not at all
SUBJECT_RULES = ("folder", "pattern", "patient_id", "field", "metadata", "unknown")
REPEATS = ("none", "grouped", "ungrouped")
UNITS = ("mm", "um", "none")
# the air around the body: as it is, or 0; images nearly equal across two splits: told, or taken out
FOREGROUND = ("none", "threshold")
NEAR_DUPLICATES = ("report", "drop")
SAME_IDS, UNMATCHED = "same ids", "unmatched"


@dataclass(frozen=True)
class CardFile:
    """url; sha256: 64 hex digits or ``unverified``; bytes: size, None where nobody looked.

    md5: what the source publishes where it gives no sha256; it proves nothing against an attacker and opens no
    download. mirrors: other addresses of the same bytes, tried in order after ``url``.
    """

    url: str
    sha256: str
    bytes: int | None = None
    md5: str | None = None
    mirrors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overlap:
    """Another card that shows some of the same people. subjects: ``same ids`` where one person has one id in
    both, ``unmatched`` where nobody can tell who is who; then the two cards are never combined.
    """

    card: str
    subjects: str
    note: str = ""


@dataclass(frozen=True)
class DatasetCard:
    """Where a dataset comes from, how it may be used, how it is read and split. None means unverified.

    subjects, images: counts. licence: SPDX id or the source's own name; redistributable, commercial, derived:
    whether files may be passed on, earn money, and whether what is made from them (prepared sets, checkpoints,
    samples) may be passed on. access: ``open`` (anonymous download), ``registration`` (account), ``agreement``
    (signed). subject: one of SUBJECT_RULES; subject_pattern: regular expression searched in a file's relative
    path, its first group (or the match) is the subject. stratify_pattern: the same for site or label.
    repeat_scans: whether one person comes several times, and under one subject id (``grouped``) or not.
    publish_subjects: whether ids may stand in a published split. slices: ``all`` or ``middle F``, the middle
    share 0 < F < 1 of each volume. foreground: ``threshold`` sets the air around the body to 0 (see
    ``prepare.outside``). near_duplicates: ``drop`` takes out what nearly equals an image of a later split (see
    ``choose.drop_near_duplicates``). include: glob of the files to read. manual: a step by hand (a conversion)
    comes before reading. caveats: what a user must know before trusting a split.
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
    other_organs: tuple[str, ...] = ()
    dimensions: str | None = None
    format: str = UNVERIFIED
    redistributable: bool | None = None
    commercial: bool | None = None
    derived: bool | None = None
    files: tuple[CardFile, ...] = ()
    reader: str | None = None
    include: str | None = None
    manual: bool = False
    subject: str = "folder"
    subject_pattern: str | None = None
    stratify_pattern: str | None = None
    repeat_scans: str | None = None
    overlaps: tuple[Overlap, ...] = ()
    publish_subjects: bool = False
    slices: str = "all"
    foreground: str = FOREGROUND[0]
    near_duplicates: str = NEAR_DUPLICATES[0]
    spacing_unit: str | None = None
    caveats: tuple[str, ...] = ()

    @property
    def fetchable(self) -> bool:
        """True where every file may be downloaded without asking and can be checked."""
        checked = bool(self.files) and all(file.sha256 != UNVERIFIED for file in self.files)
        return self.access == "open" and checked and not self.manual

    @property
    def subjects_known(self) -> bool:
        """False where slices of one person may stand on both sides of a split; such a set is never ranked."""
        return self.subject != "unknown" and self.repeat_scans != "ungrouped"

    @property
    def path_pattern(self) -> str | None:
        """The regular expression for the readers; where the subject is unknown every file stands for one."""
        return "^.+$" if self.subject == "unknown" else self.subject_pattern


def digest(card: DatasetCard) -> str:
    """sha256 hex over every field: what a manifest records as the card it was made with."""
    return hashlib.sha256(json.dumps(asdict(card), sort_keys=True).encode()).hexdigest()


def load_cards(folder: Path | None = None) -> dict[str, DatasetCard]:
    """id -> card, sorted by id: the registry's and those of installed plugins, or those of one folder.

    Of a folder every card must be sound: raises DataError, naming file and field. Of the installed cards, one
    that is broken is left out (``catalogue.entries`` names it).
    """
    from mribench.data.cards import catalogue

    return catalogue.cards() if folder is None else catalogue.cards_of(folder)


def read_card(path: Path) -> DatasetCard:
    """One card. Raises DataError, naming file and field."""
    from mribench.data.cards import parse

    return parse.read(path)
