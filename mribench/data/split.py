"""Split by subject: a hash of the subject decides, so that a new subject moves no other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from mribench.errors import DataError

# share of [0, 1) per split
BOUNDS = {"train": (0.0, 0.70), "validation": (0.70, 0.85), "test": (0.85, 1.0)}
SPLITS = tuple(BOUNDS)


def position(subject: str, seed: int = 0) -> float:
    """Where a subject stands in [0, 1): the first 52 bits of sha256(seed, subject)."""
    digest = hashlib.sha256(f"{seed}\0{subject}".encode()).hexdigest()
    return int(digest[:13], 16) / 16**13


def assign(subject: str, seed: int = 0) -> str:
    """``train``, ``validation`` or ``test``, 70/15/15 in expectation; a function of (seed, subject) alone."""
    at = position(subject, seed)
    return next(split for split, (low, high) in BOUNDS.items() if low <= at < high)


def assign_all(subjects: Iterable[str], seed: int = 0) -> tuple[dict[str, str], bool]:
    """Split of every subject, and whether the plain hash had to be adjusted.

    With few subjects the hash can leave a split empty or nearly so. Every split gets at least a tenth of
    the subjects, but no less than one and no more than three: for test, validation, train in this order,
    the subject that stands nearest to the short split's interval is moved there, out of a split that has
    some to spare. The result is still a function of (seed, set of subjects), but a new subject may undo a
    move: the manifest says ``adjusted``. Raises DataError below three subjects.
    """
    unique = sorted(set(subjects))
    if len(unique) < 3:
        raise DataError(
            f"Found {len(unique)} subject(s) ({', '.join(unique) or 'none'}), but train, validation and test "
            "need 3 or more; add subjects, or name them by subfolders or metadata.csv (file_name,subject)."
        )
    least = min(3, max(1, len(unique) // 10))
    splits = {subject: assign(subject, seed) for subject in unique}
    plain = dict(splits)
    for short in reversed(SPLITS):
        while (counts := Counter(splits.values()))[short] < least:
            movable = [subject for subject in unique if counts[splits[subject]] > least]
            nearest = min(movable, key=lambda s, to=short: (_distance(position(s, seed), to), s))
            splits[nearest] = short
    return splits, splits != plain


def check_disjoint(splits: Mapping[str, Iterable[str]]) -> None:
    """Raise DataError where a subject stands in two splits. splits: split name -> subjects of its images."""
    seen: dict[str, str] = {}
    for split, subjects in splits.items():
        for subject in sorted(set(subjects)):
            if subject in seen:
                raise DataError(
                    f"Subject {subject} stands in {seen[subject]} and in {split}: images would leak between "
                    "them; prepare the data again with one split per subject."
                )
            seen[subject] = split


def _distance(at: float, split: str) -> float:
    low, high = BOUNDS[split]
    return max(low - at, at - high, 0.0)
