"""What a card decides between reading and splitting: which slices stay, their stratum, their subjects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path

from mribench.data.cards.card import DatasetCard
from mribench.data.readers.subjects import METADATA, subjects_of
from mribench.data.slices import SliceRecord
from mribench.errors import DataError
from mribench.spec import Volume

# the subject, in an NPZ or a metadata.csv, of images of nobody in particular
UNKNOWN = "unknown"
# rules by which the files themselves name their subject
SUBJECT_INSIDE = ("patient_id", "field")
# fields that change the images and that a card need not have
OPTIONS = ("foreground", "near_duplicates", "masks")


def applied(
    volumes: Iterable[Volume], card: DatasetCard, strata: MutableMapping[str, str], family: str | None = None
) -> Iterator[Volume]:
    """The card's slices of every volume.

    Args:
        volumes: As the readers yield them.
        card: What decides.
        strata: subject -> site or label; what the source of a volume matches is added.
        family: Put before the subject where several cards are combined (see ``source.families``), so that person 7 of
            one set is not taken for person 7 of another.
    """
    for volume in volumes:
        subject = named(volume.subject, family)
        source = f"{card.id}/{volume.source}" if family else volume.source
        stratum = _found(card.stratify_pattern, (volume.source, volume.subject))
        if stratum is not None:
            strata.setdefault(subject, f"{card.id}:{stratum}")
        first, stop = kept(card.slices, len(volume.pixels))
        yield replace(
            volume,
            subject=subject,
            source=source,
            pixels=volume.pixels[first:stop],
            foreground=card.foreground,
        )


def strata_of(
    root: Path, files: Sequence[Path], card: DatasetCard, family: str | None = None
) -> dict[str, str]:
    """subject -> site or label, from the file names; empty where the names do not give the subject."""
    if card.stratify_pattern is None or card.subject in SUBJECT_INSIDE:
        return {}
    names = [file.relative_to(root).as_posix() for file in files]
    found: dict[str, str] = {}
    for name, (subject, _) in subjects_of(root, names, card.path_pattern).items():
        stratum = _found(card.stratify_pattern, (name,))
        if stratum is not None:
            # one person seen at two sites counts where the first of the files puts it
            found.setdefault(named(subject, family), f"{card.id}:{stratum}")
    return found


def check_metadata(root: Path, card: DatasetCard) -> None:
    """Raise DataError where the card wants the user's metadata.csv and there is none: folders are no persons there."""
    if card.subject == "metadata" and not (root / METADATA).is_file():
        raise DataError(
            f"{card.id} does not tell its subjects by folders or names; write {METADATA} with the columns "
            f"file_name,subject into {root}."
        )


def named(subject: str, family: str | None) -> str:
    """The subject as the split names it; see ``source.families``."""
    return f"{family}:{subject}" if family else subject


def kept(rule: str, n: int) -> tuple[int, int]:
    """(first, stop) of the slices that a rule keeps of n: ``all``, or the ``middle F``, at least one."""
    if rule == "all":
        return 0, n
    keep = max(1, round(n * float(rule.split()[1])))
    return (n - keep) // 2, (n - keep) // 2 + keep


def as_text(card: DatasetCard) -> str:
    """What of a card decides the prepared pixels and their subjects, as one string for the folder's hash."""
    # defaults are left out, so that the folders of other cards keep their names when an option is added
    changed = [name for name in OPTIONS if getattr(card, name) != getattr(DatasetCard, name)]
    options = [(name, getattr(card, name)) for name in changed]
    return repr((card.subject, card.path_pattern, card.slices, card.stratify_pattern, *options))


def without_subjects(records: Sequence[SliceRecord]) -> list[SliceRecord]:
    """Records of ``unknown`` subjects with a made-up subject: the file or series, or the image where those are few.

    This keeps a file's slices together and no more: a person may still be in two splits.
    """
    by_source = len({record.source for record in records}) >= 3
    return [
        record._replace(
            subject=f"{UNKNOWN}:{record.source}" if by_source else f"{UNKNOWN}:{record.source}:{record.slice}"
        )
        for record in records
    ]


def _found(pattern: str | None, texts: Iterable[str]) -> str | None:
    for text in texts if pattern else ():
        if match := re.search(pattern, text):
            return match.group(1) if match.re.groups else match.group()
    return None
