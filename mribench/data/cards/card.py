"""A dataset card: what one reviewed TOML file of the registry says. None means that it is unverified."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

UNVERIFIED = "unverified"
ACCESS = ("open", "registration", "agreement")
# in radiology's sense of the word; elsewhere in mribench a modality is an organ
MODALITIES = ("MRI", "microscopy")
DIMENSIONS = ("2D", "3D", "2D+t", "3D+t")
# the ``reader`` of data that has to be converted by hand; what it becomes is read by its suffix
OTHER_READER = "other"
SUBJECT_RULES = (
    "folder",  # one first-level folder for each
    "pattern",  # a regular expression
    "patient_id",  # the DICOM PatientID
    "field",  # a field inside the file
    "metadata",  # a metadata.csv that the user writes
    "unknown",
)
REPEATS = ("none", "grouped", "ungrouped")
UNITS = ("mm", "um", "none")
# the first of each is the default
FOREGROUND = ("none", "threshold")
NEAR_DUPLICATES = ("report", "drop")
SAME_IDS, UNMATCHED = "same ids", "unmatched"
# what an archive is asked with a ``Query``; the Imaging Data Commons
ARCHIVES = ("idc",)
# the kind of a field that becomes k-space, coil maps and noise
RAW = "kspace"
# fields that the first cards did not have
ADDED = (
    "masks",
    "evidence",
    "fields",
    "query",
    "modality",
    "version",
    "bibtex",
    "labels",
    "population",
    "field_strength",
    "defaced",
    "official_split",
)


@dataclass(frozen=True)
class CardFile:
    """One file to download."""

    url: str
    sha256: str
    """64 hex digits, or ``unverified``"""
    bytes: int | None = None
    md5: str | None = None
    """what a source publishes in place of sha256; it proves nothing against an attacker and opens no download"""
    mirrors: tuple[str, ...] = ()
    """other addresses of the same bytes, tried in order after ``url``"""


@dataclass(frozen=True)
class Overlap:
    """Another card that shows some of the same people."""

    card: str
    subjects: str
    """``same ids``: one person has one id in both; ``unmatched``: the two are never combined"""
    note: str = ""


@dataclass(frozen=True)
class Masks:
    """Masks of one organ that come with the images; they choose the slices that show it."""

    organ: str
    files: tuple[str, ...]
    """beside each image, relative to its folder; a slice counts where one of them is set"""


@dataclass(frozen=True)
class CardField:
    """A named field that the files hold beside each image (``mribench.spec.Field``)."""

    name: str
    kind: str
    """``image``, ``labels``, ``mask`` (whatever is not 0) or ``kspace`` (raw data, with coil maps and noise)"""
    files: tuple[str, ...] = ()
    """relative to the image's folder, {name} and {stem} (without suffixes) being those of the image; the first that is
    there counts; none: the image's own file"""
    frame: int = 0
    """of a 4-D file"""
    names: tuple[str, ...] = ()
    """of the values of a label map from 0 on, or of the two of a mask"""
    values: tuple[int, ...] = ()
    """those of a label map in the file, as many as names; none: 0, 1, 2, ..."""


def check_template(file: str) -> None:
    """Raises ValueError for a path that is absolute, or holds other names in braces than name and stem."""
    if not file or Path(file).is_absolute() or set(re.findall(r"\{(.*?)\}", file)) - {"name", "stem"}:
        raise ValueError(
            f"files names {file!r}; expected a path relative to the image's folder, where {{name}} and {{stem}} are "
            "those of the image."
        )


@dataclass(frozen=True)
class Condition:
    """What a column of an archive's index has to be; one of the three is given."""

    column: str
    matches: str | None = None
    """regular expression that is found in the value"""
    lacks: str | None = None
    """regular expression that is not found in it"""
    at_least: float | None = None


@dataclass(frozen=True)
class Query:
    """Which DICOM series of an archive make up the set, in place of ``files``."""

    source: str
    """one of ``ARCHIVES``"""
    index: str
    """version of the index that the card was written with"""
    collections: tuple[str, ...]
    where: tuple[Condition, ...]
    """all of them hold"""
    series: int
    """how many are chosen"""
    bytes: int
    """of all of them"""
    sha256: str
    """64 hex digits over what is chosen, see ``idc.fingerprint``: the same series whatever the version of the index"""


@dataclass(frozen=True)
class Evidence:
    """Where facts of the card were read."""

    facts: tuple[str, ...]
    """names of fields of the card"""
    source: str
    """what was read"""
    checked: str
    """the day of reading, YYYY-MM-DD"""


@dataclass(frozen=True)
class DatasetCard:
    """Where a dataset comes from, how it may be used, how it is read and split. None means unverified."""

    id: str
    title: str
    organ: str
    contrast: str
    subjects: int | None
    """how many"""
    images: int | None
    """how many"""
    licence: str
    """SPDX id, or the source's own name for it"""
    access: str
    """``open`` (anonymous download), ``registration`` (account) or ``agreement`` (signed)"""
    how_to_apply: str
    homepage: str
    citation: str
    other_organs: tuple[str, ...] = ()
    """what else is in the field of view"""
    dimensions: str | None = None
    """of one acquisition, one of ``DIMENSIONS``"""
    format: str = UNVERIFIED
    """in words"""
    redistributable: bool | None = None
    """whether the files may be passed on"""
    commercial: bool | None = None
    """whether they may be used to earn money"""
    derived: bool | None = None
    """whether what is made from them (prepared sets, checkpoints, samples) may be passed on"""
    files: tuple[CardFile, ...] = ()
    query: Query | None = None
    """in place of files: series of an archive that has an index"""
    reader: str | None = None
    """name of an installed reader; files of other formats are then passed over"""
    include: str | None = None
    """glob of the files to read"""
    manual: bool = False
    """a step by hand (a conversion) comes before reading"""
    subject: str = "folder"
    """how the subject of a file is found, one of ``SUBJECT_RULES``"""
    subject_pattern: str | None = None
    """regular expression searched in a file's relative path; its first group, or the match, is the subject"""
    stratify_pattern: str | None = None
    """the same for site or label"""
    repeat_scans: str | None = None
    """whether one person comes several times, and under one subject id (``grouped``) or not"""
    overlaps: tuple[Overlap, ...] = ()
    publish_subjects: bool = False
    """whether a published split may show subject ids"""
    slices: str = "all"
    """``all``, or ``middle F``: the middle share 0 < F < 1 of each volume"""
    foreground: str = FOREGROUND[0]
    """``threshold`` sets the air around the body to 0; see ``slices.outside``"""
    near_duplicates: str = NEAR_DUPLICATES[0]
    """``drop`` takes out what nearly equals an image of a later split; see ``select.drop_near_duplicates``"""
    masks: tuple[Masks, ...] = ()
    """where the card shows several organs: which slices show the one that is asked for"""
    fields: tuple[CardField, ...] = ()
    """what a task may ask for beside the images"""
    spacing_unit: str | None = None
    caveats: tuple[str, ...] = ()
    """full sentences: what a user must know before trusting a split"""
    evidence: tuple[Evidence, ...] = ()
    modality: str | None = None
    """what took the images, one of ``MODALITIES``"""
    version: str | None = None
    """of the source, where it numbers its versions"""
    bibtex: str | None = None
    """an entry for the paper or record of ``citation``"""
    labels: tuple[str, ...] = ()
    """what comes with the images: masks, diagnoses, timings"""
    population: str | None = None
    """who or what was imaged, in words"""
    field_strength: tuple[float, ...] = ()
    """tesla, each that occurs"""
    defaced: bool | None = None
    """whether faces are taken out, also by stripping the skull"""
    official_split: str | None = None
    """as the source splits it, in words; mribench splits by subject itself"""

    @property
    def fetchable(self) -> bool:
        """True where every file may be downloaded without asking and can be checked."""
        checked = bool(self.files) and all(file.sha256 != UNVERIFIED for file in self.files)
        return self.access == "open" and (checked or self.query is not None) and not self.manual

    @property
    def subjects_known(self) -> bool:
        """False where slices of one person may be in train and in test; such a set is never ranked."""
        return self.subject != "unknown" and self.repeat_scans != "ungrouped"

    @property
    def chosen_reader(self) -> str | None:
        """The only reader whose files are read; None where the suffix of each file decides."""
        return None if self.reader == OTHER_READER else self.reader

    @property
    def path_pattern(self) -> str | None:
        """The regular expression for the subject; where subjects are unknown every file counts as one."""
        return "^.+$" if self.subject == "unknown" else self.subject_pattern


def digest(card: DatasetCard) -> str:
    """sha256 hex over every field: what a manifest records as the card it was made with."""
    # a field that was added later counts where a card has it, so that the digests of other cards stay
    filled = {
        name: value
        for name, value in asdict(card).items()
        if name not in ADDED or value != getattr(DatasetCard, name)
    }
    return hashlib.sha256(json.dumps(filled, sort_keys=True).encode()).hexdigest()
