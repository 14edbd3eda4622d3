"""Which slices are kept: no copies, and at most as many as a profile wants, from all subjects evenly."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mribench.data import qa
from mribench.data.slices import SliceRecord
from mribench.data.split import SPLITS
from mribench.errors import DataError


class Distinct(NamedTuple):
    """Slices by whether another one has the same pixels."""

    kept: list[SliceRecord]
    twins: list[SliceRecord]
    """repeat an image of the same subject"""
    leaks: list[SliceRecord]
    """repeat an image of another subject, which may be the same person under another name"""


def drop_duplicates(records: Sequence[SliceRecord]) -> Distinct:
    """Of slices with identical pixels, as read or as prepared, the first by subject stays.

    The same image under two subjects could otherwise be in two splits.
    """
    seen: dict[bytes, str] = {}
    found = Distinct([], [], [])
    for record in sorted(records, key=lambda r: r.subject):
        pixels = hashlib.sha256(record.image.tobytes()).digest()
        marks = {record.origin or pixels, pixels}
        owners = {seen[mark] for mark in marks if mark in seen}
        (found.kept if not owners else found.twins if owners == {record.subject} else found.leaks).append(
            record
        )
        for mark in marks:
            seen.setdefault(mark, record.subject)
    return found


def drop_near_duplicates(
    splits: Mapping[str, Sequence[SliceRecord]],
) -> tuple[dict[str, list[SliceRecord]], list[SliceRecord]]:
    """(splits, dropped): of two near duplicates (``qa``) in different splits the one in train is dropped, else the one
    in validation. Test stays whole, so that two models are measured on the same images.

    Raises DataError where nothing would be left of a split.
    """
    kept = {name: list(splits[name]) for name in SPLITS}
    dropped: list[SliceRecord] = []
    # again after each round: an image is compared with its nearest neighbour alone, and that may be gone now
    while across := [pair for pair in qa.inspect(kept).pairs if pair[0].split != pair[1].split]:
        losers = [min(pair, key=lambda one: SPLITS.index(one.split)).record for pair in across]
        marks = {id(record) for record in losers}
        for name in SPLITS:
            dropped += [record for record in kept[name] if id(record) in marks]
            kept[name] = [record for record in kept[name] if id(record) not in marks]
            if not kept[name]:
                raise DataError(
                    f"Every image in {name} nearly equals one of another split, so dropping near duplicates leaves "
                    "none; check how the subjects are told apart, or set near_duplicates = 'report' in the card."
                )
    return kept, dropped


def quotas(counts: dict[str, int], limit: int, seed: int = 0) -> dict[str, int]:
    """Slices to keep per subject: as equal as possible, subjects with few slices whole, total <= limit.

    Neighbouring slices of one subject are nearly the same image, so more subjects are worth more than more
    slices. Where a round does not divide, subjects come first in the order of ``_turn``.
    """
    order = sorted(counts, key=lambda subject: _turn(subject, seed))
    quota = dict.fromkeys(order, 0)
    left = min(limit, sum(counts.values()))
    while left:
        open_subjects = [subject for subject in order if quota[subject] < counts[subject]]
        share = max(1, left // len(open_subjects))
        for subject in open_subjects:
            more = min(share, counts[subject] - quota[subject], left)
            quota[subject] += more
            left -= more
    return quota


def cap(records: Sequence[SliceRecord], limit: int, seed: int = 0) -> list[SliceRecord]:
    """At most ``limit`` records, evenly spaced within each subject; input order is kept within a subject."""
    groups: dict[str, list[SliceRecord]] = {}
    for record in sorted(records, key=lambda r: r.subject):
        groups.setdefault(record.subject, []).append(record)
    quota = quotas({subject: len(group) for subject, group in groups.items()}, limit, seed)
    return [group[i] for subject, group in groups.items() for i in _even(len(group), quota[subject])]


def _turn(subject: str, seed: int) -> str:
    """A hash of its own: in the order of ``split.position`` the training subjects would all come first."""
    return hashlib.sha256(f"cap\0{seed}\0{subject}".encode()).hexdigest()


def _even(n: int, k: int) -> list[int]:
    return ((np.arange(k) + 0.5) * n / max(k, 1)).astype(int).tolist()
